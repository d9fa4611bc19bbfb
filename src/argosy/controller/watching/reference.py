"""The reference of a fleet: frozen bins, and per member the counts over the rows that it was last trained on."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

import numpy as np
import polars as pl
from sqlalchemy import Connection

from argosy.monitoring.bins import Bins
from argosy.monitoring.count import count
from argosy.monitoring.lookup import Lookup
from argosy.monitoring.window import Windows, merge
from argosy.spec.fleet import Fleet
from argosy.store import windows
from argosy.store.store import Store

BINS, REFERENCE = "bins", "reference"
POOLED = "*"


def frozen(conn: Connection, store: Store, fleet: str, revision: int) -> Bins | None:
    """The bins of a fleet under a revision of its declaration; None before its first training."""
    found = [each for each in windows.between(conn, fleet, BINS) if each.dataset_version == revision]
    return Bins.from_bytes(store.blobs.get(found[-1].digest)) if found else None


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
) -> None:
    """Count the rows that members are about to be trained on; the first call for a revision also freezes the bins.

    `member` [rows] is each row's member key, `due` the members to be trained: the pooled model `*` is trained on all
    rows. Doing it again changes nothing.
    """
    with store.read() as conn:
        bins = frozen(conn, store, fleet.name, revision)
    facts = []
    if bins is None:
        bins = Bins.fit(frame, task=fleet.task, prediction=fleet.label.column, features=list(features))
        digest = store.blobs.put(bins.to_bytes())
        facts.append(_fact(fleet.name, BINS, now, now, digest, 0, now, revision))
    known = frame.with_columns(member.alias("member")).drop_nulls("member")
    keys = sorted(known["member"].unique())
    codes = known["member"].replace_strict(keys, range(len(keys)), return_dtype=pl.Int64).to_numpy()
    every = count(known, keys, codes, bins)
    counted = every.slice([key for key in keys if key in due])
    if POOLED in due:
        counted = merge(counted, every.together(POOLED))
    digest = store.blobs.put(counted.to_bytes())
    facts.append(_fact(fleet.name, REFERENCE, now, now, digest, known.height, now, version))
    with store.write() as tx:
        windows.add(tx, facts)


class References:
    """The references of fleets, read once and followed: a later training replaces a member's counts."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._seen: dict[str, tuple[str, int, dict[str, tuple[Windows, int]]]] = {}

    def of(self, conn: Connection, fleet: str, bins: Bins) -> Windows:
        """Counts over the rows that each member was last trained on, and the pooled model as `*`."""
        digest, last, rows = self._seen.get(fleet, (bins.digest, 0, {}))
        if digest != bins.digest:
            last, rows = 0, {}
        for each in sorted(windows.between(conn, fleet, REFERENCE), key=lambda window: window.id):
            if each.id > last:
                counted = Windows.from_bytes(self._store.blobs.get(each.digest))
                if counted.digest == bins.digest:
                    rows |= {key: (counted, place) for place, key in enumerate(counted.members)}
                last = each.id
        self._seen[fleet] = (bins.digest, last, rows)
        return _stack(bins, rows)


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


def _stack(bins: Bins, rows: dict[str, tuple[Windows, int]]) -> Windows:
    members = tuple(sorted(rows))
    stacked = Windows.empty(bins, members)
    for place, key in enumerate(members):
        counted, source = rows[key]
        stacked.counts[place] = counted.counts[source]
        stacked.rows[place] = counted.rows[source]
    return stacked


def _fact(
    fleet: str, kind: str, start: datetime, stop: datetime, digest: str, rows: int, at: datetime, version: int
) -> windows.NewWindow:
    return windows.NewWindow(
        fleet=fleet, start=start, stop=stop, kind=kind, digest=digest, rows=rows, at=at, dataset_version=version
    )
