"""Asking versions about the rows of a chunk: each about its own, many of them at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor
from itertools import pairwise

import msgspec
import numpy as np
import numpy.typing as npt
import polars as pl

from argosy.errors import ArgosyError, UnreachableError
from argosy.model.matrix import Matrix
from argosy.model.signature import Signature
from argosy.serving.bulk.choice import Which
from argosy.serving.bulk.matrix import encoded
from argosy.serving.bulk.reason import Mask, Reasons, mask
from argosy.serving.cache import ModelCache
from argosy.serving.routing import VersionRef
from argosy.serving.spread import Spread

_SLICE = 1 << 14
"""Rows that a version is asked about at a time: one that answers most of a chunk keeps every core busy."""
_SHOWN = 200
Rows = npt.NDArray[np.intp]


class Given(msgspec.Struct, frozen=True):
    """Rows with their features. `lost` are by name the request features that some of them lack, and which those are."""

    rows: pl.DataFrame
    lost: Mapping[str, Mask]

    def some(self, places: Rows) -> Given:
        """Some of the rows."""
        if len(places) == self.rows.height:
            return self
        return Given(self.rows[places], {name: lost[places] for name, lost in self.lost.items()})


class _Share(msgspec.Struct, frozen=True):
    """Rows of one version by their places in the chunk, and by those in the matrix of all rows of its signature."""

    ref: VersionRef
    places: Rows
    matrix: Matrix
    within: Rows


class _Failure(msgspec.Struct, frozen=True):
    """The rows that a version failed on, by their places in the chunk, and why; `unread` if it cannot be asked."""

    rows: Rows
    why: str
    unread: bool = False


def ask(
    cache: ModelCache, pool: Executor, refs: Sequence[VersionRef], which: Which, given: Given,
    out: npt.NDArray[np.float64], reasons: Reasons, spread: Spread,
) -> Mask:  # fmt: skip
    """Fill `out` and `spread` for the rows without a reason, whose version is `refs[which]`.

    Returns the rows whose version cannot be read. What is not answered has a reason then.
    """
    asked = reasons.open & (which >= 0)
    shares: list[_Share] = []
    unread = np.zeros(len(which), np.bool_)
    for signature, group in _signatures(cache, refs, which, asked, reasons, unread):
        table = np.zeros(len(refs) + 1, np.bool_)  # its last place is that of -1
        table[group] = True
        places = np.flatnonzero(asked & table[which])
        mine = given.some(places)
        matrix, refused = encoded(mine.rows, signature, mine.lost)
        for rows, why in refused:
            reasons.add(mask(len(which), places[rows]), why)
        fits = np.flatnonzero(reasons.open[places])
        shares += [_Share(refs[place], places[part], matrix, part) for place, part in _parts(which[places], fits)]
    held = set(cache.ids())
    shares.sort(key=lambda each: each.ref.id not in held)  # else those loaded first would drive out those loaded before
    for share, failure in zip(shares, pool.map(lambda each: _answer(cache, each, out, spread), shares), strict=True):
        if failure is not None:
            reasons.add(mask(len(which), failure.rows), f"version {share.ref.address} fails: {failure.why}")
            unread[failure.rows] = failure.unread
    return unread


def _signatures(
    cache: ModelCache, refs: Sequence[VersionRef], which: Which, asked: Mask, reasons: Reasons, unread: Mask
) -> Iterator[tuple[Signature, list[int]]]:
    """The signatures of the versions that are asked, each with the places of those versions.

    It is read from the first that loads; those that do not are given up: their rows have a reason, and are `unread`.
    """
    by_digest: dict[str, list[int]] = {}
    for place in np.flatnonzero(np.bincount(which[asked], minlength=len(refs))).tolist():
        by_digest.setdefault(refs[place].signature, []).append(place)
    for group in by_digest.values():
        for i, place in enumerate(group):
            try:
                signature = cache.get(refs[place]).signature
            except Exception as error:  # whatever keeps a version from loading is a failure of that version
                mine = asked & (which == place)
                reasons.add(mine, f"version {refs[place].address} fails: {_said(error)}")
                unread |= mine
                continue
            yield signature, group[i:]
            break


def _parts(which: Which, rows: Rows) -> Iterator[tuple[int, Rows]]:
    """Some rows by their version, in order, at most `_SLICE` at a time."""
    mine = which[rows]
    narrow = mine.astype(np.int16) if mine.max(initial=0) < 1 << 15 else mine  # 16 bits are sorted by counting
    order = np.argsort(narrow, kind="stable")
    mine, order = mine[order], rows[order]
    starts = np.flatnonzero(np.diff(mine, prepend=-1)).tolist()
    for start, end in pairwise([*starts, len(order)]):
        for at in range(start, end, _SLICE):
            yield int(mine[start]), order[at : min(at + _SLICE, end)]


def _answer(cache: ModelCache, share: _Share, out: npt.NDArray[np.float64], spread: Spread) -> _Failure | None:
    """Ask a version about its rows."""
    unread = True
    try:
        model = cache.get(share.ref).model
        unread = False
        found = spread.put(share.places, model, share.matrix[share.within])
        out[share.places] = found
    except Exception as error:  # a model may raise anything
        return _Failure(share.places, _said(error), unread or isinstance(error, UnreachableError))
    bad = np.flatnonzero(~np.isfinite(found))
    return _Failure(share.places[bad], "it gives no finite number") if bad.size else None


def _said(error: Exception) -> str:
    return error.message if isinstance(error, ArgosyError) else f"{type(error).__name__}: {str(error)[:_SHOWN]}"
