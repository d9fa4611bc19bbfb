"""Live performance before the labels have come: what the score would be if the probabilities are right as before."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import polars as pl
from sqlalchemy import Connection

from argosy.controller import signal
from argosy.controller.watching import asked
from argosy.controller.watching.asked import DAY, midnight
from argosy.data.dtype import instant
from argosy.monitoring.bins import Bins
from argosy.monitoring.count import count_members
from argosy.monitoring.estimate import ESTIMATED, Calibration, expected
from argosy.monitoring.window import Windows
from argosy.spec import duration
from argosy.spec.fleet import POOLED, Fleet
from argosy.store import windows
from argosy.store.store import Store

CALIBRATION = "calibration"
_PAST, _WEEK = timedelta(days=366), timedelta(days=7)
_LABELS = 200
"""With fewer labelled rows in the window, the calibration of an earlier day is the better one."""
_WAITING = 0.25
"""Where a smaller share of the rows waits for its labels, the score itself says enough."""


def measure(
    conn: Connection, store: Store, fleet: Fleet, bins: Bins, rows: pl.DataFrame, now: datetime, *, learn: bool = True
) -> tuple[dict[str, dict[str, Any]], Windows | None]:
    """Signals per member with rows that wait for their labels, and the labelled rows to keep where it is to `learn`.

    `rows` are answered rows with `label`, null where it is not known. All rows of the search's metric's window count:
    see `expected`. The probabilities are calibrated on the fleet's labelled rows in the window, or, if those are few,
    on those of the last day that had enough. A metric that cannot be estimated has no signals.
    """
    metric, span = next(iter(asked.spans(fleet).items()))
    recent = rows.filter(pl.col("at") >= instant(now - duration.parse(span)))
    if fleet.task != "binary" or metric not in ESTIMATED or recent.is_empty():
        return {}, None
    waits = recent.group_by("member").agg(pl.col("label").is_null().mean())["label"] > _WAITING
    if not (learn or waits.any()):
        return {}, None
    outcome = Bins(bins.task, (), bins.prediction)
    counted = count_members(recent, outcome, prediction="prediction", label="label").with_total()
    every = counted.slice([POOLED])
    known = int(every.positives.sum() + every.negatives.sum())
    fresh = every if known >= _LABELS else None
    told = fresh or _earlier(conn, store, fleet.name, outcome, now)
    if told is None:
        return {}, None
    table = expected(counted, outcome, Calibration.fit(told, outcome))
    waiting = table.filter(pl.col("waiting") > pl.col("rows") * _WAITING).drop_nulls(metric)
    return {
        member: {signal.ESTIMATE: value, "body": {"rows": count, "waiting": open_}}
        for member, value, count, open_ in waiting.select("member", metric, "rows", "waiting").iter_rows()
    }, fresh if learn else None


def _earlier(conn: Connection, store: Store, fleet: str, outcome: Bins, now: datetime) -> Windows | None:
    """The labelled rows of the last day that had enough of them."""
    for fact in reversed(windows.between(conn, fleet, CALIBRATION, now - _PAST, now + _WEEK)):
        found = Windows.from_bytes(store.blobs.get(fact.digest))
        if found.digest == outcome.digest:
            return found
    return None


def learnt(conn: Connection, fleet: str, now: datetime) -> bool:
    """Whether a calibration was kept this week."""
    return bool(windows.between(conn, fleet, CALIBRATION, monday(now), monday(now) + _WEEK))


def keep(store: Store, fleet: str, told: Windows, version: int, now: datetime) -> windows.NewWindow:
    """The fact that keeps the labelled rows of a window, for days without labels: one a week."""
    return windows.NewWindow(
        fleet=fleet, start=monday(now), stop=monday(now) + _WEEK, kind=CALIBRATION,
        digest=store.blobs.put(told.to_bytes()), rows=int(told.rows[0]), at=now, dataset_version=version,
    )  # fmt: skip


def monday(now: datetime) -> datetime:
    """The start of its week."""
    return midnight(now) - now.weekday() * DAY
