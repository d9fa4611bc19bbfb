"""Rows of a training set with their values by name: what a version is tried on where Argosy is not."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from hashlib import sha256
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt
import polars as pl

from argosy.errors import InputError
from argosy.features.trainingset import TrainingSet
from argosy.model.signature import Feature, Signature, encode_rows
from argosy.registry.address import Address
from argosy.registry.bundle.content import Trial
from argosy.spec.fleet import POOLED
from argosy.store.codec import to_micros
from argosy.store.versions import Version

_PROVEN, _CARRIED = 2_000, 50
_HELD, _LAST = "held-out rows of the training set", "the last rows of the training set"
_MADE_UP = " (values of tagged columns are made up)"
_LEAST, _SHARE = 5, 5
"""How many values a bound of made-up numbers is the mean of at least, and which part of all that differ these are."""
_ABSENT = 8
"""One in how many made-up values is missing."""
Value = float | str | bool | None
Places = npt.NDArray[np.int64]


class UnprovenError(InputError):
    """No training set on this machine has rows that a version could be proven on."""


def opened(sets: Path) -> list[TrainingSet]:
    """The training sets of a fleet, below `sets`, the newest first."""
    files = sorted(sets.glob("*/set.json"), key=lambda path: path.stat().st_mtime, reverse=True)
    return [TrainingSet.open(file.parent) for file in files]


def rows(
    sets: Sequence[TrainingSet], address: Address, version: Version, signature: Signature, hidden: Collection[str]
) -> Trial:  # fmt: skip
    """Rows of a version's member in the first training set that has its features.

    Those that it was held against travel, where there are any; values of `hidden` features in them are made up, as
    `_made_up` says. Raises UnprovenError where no training set has rows of the member with these features.
    """
    masked = [place for place, name in enumerate(signature.names) if name in hidden]
    for data in sets:
        held, rest = _places(data, address.key, version)
        if not _has(data, signature) or not len(held) + len(rest):
            continue
        proven = encode_rows(_named(data, signature, _spread(held, rest)), signature)
        some = held[-_CARRIED:] if len(held) else rest[-_CARRIED:]
        carried = list(_named(data, signature, some))
        for place in masked:
            feature = signature.features[place]
            for row, each in zip(carried, _made_up(feature, proven[:, place], len(carried)), strict=True):
                row[feature.name] = each
        told = (_HELD if len(held) else _LAST) + (_MADE_UP if masked else "")
        return Trial(proven, tuple(carried), told)
    raise UnprovenError(
        f"there are no rows to prove {address} on: no training set of {address.fleet} on this machine has its features",
        next=f"argosy train {address.fleet}, which builds one",
    )


def _made_up(feature: Feature, known: npt.NDArray[np.float64], count: int) -> list[Value]:
    """Values of a feature that tell nothing of any one row, in an order that chance gives: some of them are missing.

    Categories are all that the model knows, and booleans both, in equal shares. Numbers lie evenly between two means,
    that of the least fifth of the values that are `known` and that of the greatest, each value once; where a fifth are
    fewer than `_LEAST`, they are small whole numbers, which come of no row at all.
    """
    if feature.categories is not None:
        some = feature.categories or (None,)
        values: list[Value] = [some[place % len(some)] for place in range(count)]
    elif feature.kind == "boolean":
        values = [place % 2 == 0 for place in range(count)]
    else:
        ordered = np.unique(known[np.isfinite(known)])
        part = len(ordered) // _SHARE
        enough = part >= _LEAST
        low, high = (ordered[:part].mean(), ordered[-part:].mean()) if enough else (0.0, float(count - 1))
        values = np.linspace(low, high, count).tolist()
    values[::_ABSENT] = [None] * len(values[::_ABSENT])
    mixed = np.random.default_rng(int.from_bytes(sha256(feature.name.encode()).digest()[:8], "big")).permutation(count)
    return [values[place] for place in mixed.tolist()]


def _has(data: TrainingSet, signature: Signature) -> bool:
    """Whether the rows have a version's features; what the pooled model takes of the key, the member tells."""
    given = {each.name: each.kind for each in data.signature.features}
    keys = data.columns.by
    return all(
        given.get(each.name) == each.kind or (each.kind == "category" and each.name in keys)
        for each in signature.features
    )


def _places(data: TrainingSet, key: str, version: Version) -> tuple[Places, Places]:
    """Where the member's rows are that the version was held against, and where its others are."""
    mine = data.members.filter(pl.col("member") == key)
    start, count = mine.select("start", "rows").row(0) if mine.height else (0, 0)
    every, times = np.arange(start, start + count), data.span(start, count).times
    span = version.body.get("held_out", {})
    low, high = (to_micros(msgspec.convert(span.get(name), datetime | None, strict=False)) for name in ("low", "high"))
    if low is None or high is None:
        return every[:0], every
    inside = (times >= low) & (times <= high)
    return every[inside], every[~inside]


def _spread(held: Places, rest: Places) -> Places:
    """Rows for the proof: of both, evenly."""
    every = np.concatenate([held, rest])
    return every[np.linspace(0, len(every) - 1, min(len(every), _PROVEN)).astype(np.int64)]


def _named(data: TrainingSet, signature: Signature, places: Places) -> Iterator[dict[str, Value]]:
    """Rows with the values of a version's features by name: the inverse of how the set encodes them.

    What is infinite is missing.
    """
    names = set(signature.names)
    whole = names <= set(data.signature.names)
    keyed = data.members.filter(pl.col("member") != POOLED).sort("start") if not whole else data.members.clear()
    starts, members = keyed["start"].to_list(), keyed["member"].to_list()
    for place in places.tolist():
        values = data.span(place, 1).matrix[0].tolist()
        given = dict(zip(data.signature.features, values, strict=True))
        row = {each.name: value(each, number) for each, number in given.items() if each.name in names}
        member = bisect_right(starts, place) - 1
        if member >= 0:
            keys = zip(data.columns.by, Address("", members[member]).values, strict=True)
            row |= {name: value for name, value in keys if name not in row}
        yield {name: row[name] for name in signature.names}


def value(feature: Feature, number: float) -> Value:
    """What a training set holds of a feature as a number; None for what is missing or infinite."""
    if not math.isfinite(number):
        return None
    if feature.categories is not None:
        return feature.categories[int(number)]
    return bool(number) if feature.kind == "boolean" else number
