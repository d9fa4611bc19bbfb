"""In what several tracked runs differ: parameters, metrics, datasets, where their code came from, and the code."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection

from argosy.controller import patch
from argosy.errors import UnknownError, UsageError
from argosy.registry import address
from argosy.registry.address import Address
from argosy.spec.quantity import plural
from argosy.store import bundles, versions
from argosy.store.store import Store
from argosy.store.tracking import identity, inputs, naming, view
from argosy.store.tracking.inputs import Input
from argosy.store.tracking.runs import Run
from argosy.store.tracking.sought import CONTEXT
from argosy.store.tracking.view import Seen

FEWEST, MOST = 2, 100
BUNDLE = "argosy.bundle"
"""The tag that names the bundle of what Argosy ran itself."""
_TAGS = ("mlflow.source.", "argosy.bundle", "argosy.version")
"""The beginnings of the tags that tell of code and versions."""
_PATCHES = 5


class Row(msgspec.Struct, frozen=True):
    """What each run has under a name; None for nothing."""

    name: str
    values: list[float | str | None]


class Patch(msgspec.Struct, frozen=True):
    """How the code of a run differs from that of the first with code, as a unified diff; runs by their places."""

    before: int
    after: int
    lines: list[str]


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """Runs by their `names`, and only what not all of them have alike."""

    names: list[str]
    runs: list[Seen]
    parameters: list[Row]
    metrics: list[Row]
    datasets: list[Row]
    tags: list[Row]
    patches: list[Patch]

    @property
    def none(self) -> bool:
        """Whether they are alike."""
        return not (self.parameters or self.metrics or self.datasets or self.tags or self.patches)


def compare(store: Store, conn: Connection, texts: Sequence[str]) -> Comparison:
    """Compare runs by the beginnings of their names, or as versions (`FLEET/KEY@N`) that they made.

    A constant number of queries. Raises UnknownError; UsageError for fewer than 2 and more than 100, and for the same
    twice.
    """
    found = find(conn, texts)
    ids = [run.id for run in found]
    seen = view.of(conn, ids)
    shorts = identity.shorts(conn, [run.run for run in found])
    read = inputs.of(conn, ids)
    return Comparison(
        names=[text if "@" in text else shorts[run.run] for text, run in zip(texts, found, strict=True)], runs=seen,
        parameters=_rows([each.parameters for each in seen]),
        metrics=_rows([{key: last.value for key, last in each.metrics.items()} for each in seen]),
        datasets=_rows([_datasets(read.get(id, ())) for id in ids]),
        tags=_rows([each.tags for each in seen], lambda key: key.startswith(_TAGS)),
        patches=patches(store, conn, [each.tags.get(BUNDLE) for each in seen]),
    )  # fmt: skip


def find(conn: Connection, texts: Sequence[str]) -> list[Run]:
    """The runs that are meant, as `compare` takes them and refuses them; two queries."""
    if not FEWEST <= len(texts) <= MOST:
        raise UsageError(f"{plural(len(texts), 'run')} cannot be compared", next=f"name {FEWEST} to {MOST} runs")
    asked: dict[str, tuple[str, str, int]] = {}
    for text in texts:
        if not identity.is_one(text):
            asked[text] = _place(text)
    known = versions.makers(conn, asked.values()) if asked else {}
    for text, place in asked.items():
        if place not in known:
            fleet = place[0]
            raise UnknownError(f"there is no version {text}", next=f"argosy get versions --where fleet:{fleet}")
    names = {text: naming.of_execution(known[place]) for text, place in asked.items()}
    found = identity.find(conn, [names.get(text, text) for text in texts])
    if twice := next((text for place, text in enumerate(texts) if found[place] in found[:place]), None):
        raise UsageError(f"run {twice} is named twice", next="name each run once")
    return found


def _place(text: str) -> tuple[str, str, int]:
    meant: Address = address.parse(text)
    if meant.number is None:
        raise UsageError(
            f"{text[:80]!r} is no name of a run and no version",
            next="give the first digits of runs, as argosy runs --sort -start_time shows, or FLEET/KEY@NUMBER",
        )
    return meant.fleet, meant.key, meant.number


def _rows(each: Sequence[Mapping[str, Any]], wanted: Callable[[str], bool] = lambda _: True) -> list[Row]:
    """What not all have alike, by name; NaN is like NaN."""
    names = sorted({name for values in each for name in values if wanted(name)})
    rows = (Row(name, [values.get(name) for values in each]) for name in names)
    return [row for row in rows if len({repr(value) for value in row.values}) > 1]


def _datasets(given: Sequence[Input]) -> dict[str, str]:
    """Digests, or versions, of the datasets that a run read, by name and what for."""
    found: dict[str, str] = {}
    for each in given:
        context = each.tags.get(CONTEXT)
        name = f"{each.dataset.name} ({context})" if context else each.dataset.name
        found[name] = f"{found[name]}, {each.dataset.digest}" if name in found else each.dataset.digest
    return found


def patches(store: Store, conn: Connection, digests: Sequence[str | None]) -> list[Patch]:
    """How the code of runs differs, by their bundles: from the first that has one to each of the first few others.

    Raises UnknownError where an archive is not there.
    """
    places: dict[str, int] = {}
    for place, digest in enumerate(digests):
        if digest:
            places.setdefault(digest, place)
    if len(places) < FEWEST:
        return []
    wanted = list(places)[: _PATCHES + 1]
    known = bundles.some(conn, wanted)
    first, *others = (known[digest] for digest in wanted if digest in known)
    found = ((other, patch.between(store.blobs, first, other)) for other in others)
    return [Patch(places[first.digest], places[other.digest], lines) for other, lines in found if lines]
