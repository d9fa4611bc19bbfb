"""Compaction: the rows of many small parts, written once more as one part. No version changes, and none is added."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from datetime import datetime
from itertools import groupby

import msgspec
import polars as pl

from argosy.data import dtype, part
from argosy.errors import ArgosyError
from argosy.store import Store, datasets, edges, events, executions
from argosy.store.datasets import NewPart, Part, Version

FANOUT = 32
"""Neighbours of one level that become one part of the next: a read opens at most 31 parts of each level."""

KIND = "compact"
_EVERY = 8
_LOG = logging.getLogger("argosy.data")
_SMALL = part.LARGEST // FANOUT


class _Unit(msgspec.Struct, frozen=True):
    """What versions `first` to `last` added, in parts that were compacted `level` times."""

    first: int
    last: int
    level: int
    parts: tuple[Part, ...]

    @property
    def small(self) -> bool:
        return sum(each.rows for each in self.parts) <= _SMALL


def compact(store: Store, version: Version, now: datetime) -> None:
    """Bring together the small parts of a dataset, if its new `version` is one of those at which that is looked at.

    The parts stay, and what `scan` gives for any version or span of versions is the same rows in the same order. May
    be killed anywhere and called by several processes at once: a later call does what is left, and nothing twice.
    It comes after a version that is committed and stays so: what keeps it from its work is recorded as an event of the
    dataset, and raises nothing.
    """
    if version.number % _EVERY:
        return
    try:
        _compact(store, version, now)
    except (ArgosyError, OSError, pl.exceptions.PolarsError) as error:
        _report(store, version, f"the small parts of {version.dataset} are not brought together: {error}", now)


def _report(store: Store, version: Version, said: str, now: datetime) -> None:
    event = events.NewEvent(at=now, kind="failed", subject=version.dataset, actor="controller", message=said)
    try:
        with store.write() as tx:
            events.add(tx, [event])
    except ArgosyError as error:  # a store that is full or busy takes no report either
        _LOG.error("no event was left, for %s: %s", error.message, said)


def _compact(store: Store, version: Version, now: datetime) -> None:
    while run := _run(store, version):
        cpu, wall = time.process_time(), time.perf_counter()
        made = _together(store, version.dataset, run)
        with store.write() as tx:
            if datasets.compact(tx, version.dataset, made):
                shown = f"{version.dataset}@{run[0].first}-{run[-1].last}"
                done = executions.NewExecution(
                    key=shown, kind=KIND, subject=f"parts:{version.dataset}", started_at=now, ended_at=now,
                    cpu_s=time.process_time() - cpu, wall_s=time.perf_counter() - wall,
                    metrics={"rows": made.rows, "parts": sum(len(each.parts) for each in run)},
                )  # fmt: skip
                (id,) = executions.record(tx, [done])
                edges.add(tx, _edges(id, run, made))


def _run(store: Store, version: Version) -> list[_Unit]:
    """The oldest neighbours that are to become one; none where there are too few."""
    with store.read() as conn:
        units = _units(datasets.cover(conn, version.dataset, version.number))
    for (_, small), found in groupby(units, key=lambda each: (each.level, each.small)):
        run = list(found)
        if small and len(run) >= FANOUT:
            return run[:FANOUT]
    return []


def _units(parts: Sequence[Part]) -> list[_Unit]:
    found = []
    for (first, last), several in groupby(parts, key=lambda each: (each.first_version, each.from_version)):
        together = tuple(several)
        found.append(_Unit(first, last, part.origin(together[0]).level, together))
    return found


def _together(store: Store, dataset: str, run: Sequence[_Unit]) -> NewPart:
    parts = [each for unit in run for each in unit.parts]
    with store.read() as conn:
        version = datasets.version(conn, dataset, run[-1].last)
    assert version is not None
    rows = part.frame(store.blobs, parts, dtype.parse_all(version.columns)).collect()
    versions = (run[0].first, run[-1].last)
    return part.compacted(store.blobs, rows, parts, versions, run[0].level + 1)


def _edges(execution: int, run: Sequence[_Unit], made: NewPart) -> list[edges.Edge]:
    read = dict.fromkeys(each.digest for unit in run for each in unit.parts)
    found = [edges.Edge(execution_id=execution, direction=edges.IN, kind="part", reference=digest) for digest in read]
    return [*found, edges.Edge(execution_id=execution, direction=edges.OUT, kind="part", reference=made.digest)]
