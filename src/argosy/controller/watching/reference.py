"""The reference of a fleet: frozen bins, and what each member's answering version was trained on, counted."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta

import msgspec
import numpy as np
import polars as pl
from sqlalchemy import Connection

from argosy.controller.watching.kept import Kept
from argosy.monitoring.bins import Bins
from argosy.monitoring.count import count_members
from argosy.monitoring.lookup import Lookup
from argosy.monitoring.window import Windows, merge
from argosy.spec.fleet import POOLED, Fleet
from argosy.store import windows
from argosy.store.store import Store

BINS, REFERENCE = "bins", "reference"
_TICK = timedelta(microseconds=1)


class Frozen(msgspec.Struct, frozen=True):
    """The bins of a fleet under a revision of its declaration, and since when: from its first training on."""

    bins: Bins
    since: datetime


def frozen(
    conn: Connection, store: Store, fleet: str, revision: int, kept: Kept | None = None
) -> Frozen | None:  # fmt: skip
    """What was frozen under a revision; None before its first training."""
    known: Frozen | None = kept.get((BINS, fleet, revision)) if kept is not None else None
    if known is not None:
        return known
    found = [each for each in windows.between(conn, fleet, BINS) if each.dataset_version == revision]
    if not found:
        return None
    data = store.blobs.get(found[-1].digest)
    fresh = Frozen(Bins.from_bytes(data), found[-1].at)
    if kept is not None:
        kept.put((BINS, fleet, revision), fresh, len(data))
    return fresh


def record(
    store: Store,
    fleet: Fleet,
    revision: int,
    frame: pl.DataFrame,
    member: pl.Series,
    features: Sequence[str],
    due: Collection[str],
    now: datetime,
    version: int,
    write: Callable[[], AbstractContextManager[Connection]] | None = None,
) -> None:
    """Count the rows that members are about to be trained on; the first call for a revision also freezes the bins.

    `member` [rows] is each row's member key, `due` the members to be trained: the pooled model `*` is trained on all
    rows, so that every member is counted. What is recorded is the reference of the versions that come of it, and stays
    theirs: see `References`. It is recorded in a transaction of `write`, which may refuse it (default: the store's).
    """
    with store.read() as conn:
        before = frozen(conn, store, fleet.name, revision)
    if before is not None:
        bins, fitted = before.bins, None
    else:
        bins = Bins.fit(frame, task=fleet.task, prediction=fleet.label.column, features=list(features))
        fitted = store.blobs.put(bins.to_bytes())
    known = frame.with_columns(member.alias("member")).drop_nulls("member")
    every = count_members(known, bins)
    counted = every.with_total() if POOLED in due else every.slice([key for key in every.members if key in due])
    digest = store.blobs.put(counted.to_bytes())
    with (write or store.write)() as tx:
        if fitted is not None:
            frozen_before = windows.between(tx, fleet.name, BINS)
            if all(each.dataset_version != revision for each in frozen_before):
                windows.add(tx, [_fact(fleet.name, BINS, _free(now, frozen_before), fitted, 0, now, revision)])
        earlier = windows.between(tx, fleet.name, REFERENCE)
        if all((each.at, each.digest) != (now, digest) for each in earlier):
            start = _free(now, earlier)
            windows.add(tx, [_fact(fleet.name, REFERENCE, start, digest, known.height, now, version)])


class Answering(msgspec.Struct, frozen=True):
    """Who answers for a member: when that version was trained, and whether it is the pooled model."""

    trained: datetime
    pooled: bool


class References:
    """What the versions that answer were trained on; put together anew only when another version answers."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._last: dict[str, tuple[object, Windows]] = {}

    def of(self, conn: Connection, fleet: str, bins: Bins, answering: Mapping[str, Answering]) -> Windows:
        """Per member the counts over its rows among those that the version which answers for it was trained on.

        The pooled model's own line `*` counts all of them. A member without rows there, or whose version was trained on
        other bins, has no line.
        """
        facts = sorted(windows.between(conn, fleet, REFERENCE), key=lambda fact: fact.id)
        made_of = (bins.digest, facts[-1].id if facts else 0, dict(answering))
        known, found = self._last.get(fleet, (None, None))
        if found is None or known != made_of:
            found = self._gather(facts, bins, answering)
            self._last[fleet] = (made_of, found)
        return found

    def _gather(self, facts: Sequence[windows.Window], bins: Bins, answering: Mapping[str, Answering]) -> Windows:
        """Of each member the last training of such a version at or before its own."""
        wanted, found = dict(answering), [Windows.empty(bins)]
        for fact in reversed(facts):
            asked = [key for key, who in wanted.items() if who.trained >= fact.at]
            if not asked:
                continue
            counted = Windows.from_bytes(self._store.blobs.get(fact.digest))
            held = set(counted.members)
            of_it = [key for key in asked if (POOLED if wanted[key].pooled else key) in held]
            if counted.digest == bins.digest:
                found.append(counted.slice([key for key in of_it if key in held]))
            for key in of_it:
                del wanted[key]
        return merge(*found)


def with_predictions(
    reference: Windows, bins: Bins, histograms: Mapping[str, tuple[float, float, Sequence[int]]]
) -> Windows:
    """The reference with each member's predictions on its training rows: equal-width histograms (low, high, counts)."""
    lookup = Lookup(bins.prediction)
    table = np.zeros_like(reference.predictions)
    for place, key in enumerate(reference.members):
        if key in histograms:
            low, high, counts = histograms[key]
            step = (high - low) / max(len(counts), 1)
            centres = np.asarray(low + step * (np.arange(len(counts)) + 0.5), dtype=np.float64)
            cells = lookup.cells(centres)
            np.add.at(table[place], cells, np.asarray(counts, dtype=np.uint32))
    return Windows(
        reference.digest, reference.members, reference.counts, table, reference.positives, reference.negatives,
        reference.rows, reference.sums,
    )  # fmt: skip


def _free(now: datetime, earlier: Sequence[windows.Window]) -> datetime:
    """The moment that a fact is filed under, after those before it: of two recorded at one moment, both stay."""
    return max([now, *(each.start + _TICK for each in earlier)])


def _fact(
    fleet: str, kind: str, start: datetime, digest: str, rows: int, at: datetime, version: int
) -> windows.NewWindow:  # fmt: skip
    return windows.NewWindow(
        fleet=fleet, start=start, stop=start, kind=kind, digest=digest, rows=rows, at=at, dataset_version=version
    )
