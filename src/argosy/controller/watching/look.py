"""One look at a fleet: everything that its monitors ask, measured on what it answered and what has become known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
import polars as pl
from sqlalchemy import Connection

from argosy.controller import signal
from argosy.controller.house import House
from argosy.controller.observe import FleetState, Snapshot
from argosy.controller.plan import predictions
from argosy.controller.watching import (
    asked,
    attributed,
    baseline,
    drifting,
    estimating,
    faulty,
    performing,
    reference,
    sampled,
    spans,
)
from argosy.controller.watching.asked import DAY
from argosy.controller.watching.reference import Answering
from argosy.data.dtype import instant
from argosy.monitoring.alert import SIGNALS, skew_signals
from argosy.monitoring.window import Windows
from argosy.spec import duration
from argosy.spec.fleet import POOLED
from argosy.spec.monitor import Attribution, Drift, Quality, Skew
from argosy.store.windows import NewWindow

Values = dict[str, dict[str, Any]]


class Seen(msgspec.Struct):
    """What was seen: signals by member, the tables that alerts are made from, and windows to record."""

    values: Values = {}
    tables: list[pl.DataFrame] = []
    windows: list[NewWindow] = []

    @property
    def signals(self) -> pl.DataFrame:
        """All that alerts are made from; the pooled model raises none but for rows that it left without an answer."""
        table = pl.concat([pl.DataFrame(schema=SIGNALS), *self.tables])
        return table.filter((pl.col("member") != POOLED) | (pl.col("kind") == "failure"))

    def add(self, more: Mapping[str, Mapping[str, Any]]) -> None:
        """Take in signals by member; the `body` of some is that of the first of them."""
        for key, values in more.items():
            mine = self.values.setdefault(key, {})
            mine.update({name: value for name, value in values.items() if name != "body"})
            if values.get("body"):
                mine.setdefault("bodies", {})[next(name for name in values if name != "body")] = values["body"]


def look(
    house: House, conn: Connection, snapshot: Snapshot, state: FleetState, rows: pl.DataFrame, now: datetime
) -> Seen:
    """Measure on `rows`: all answered rows of whole days since `asked.horizon`, with their `label`.

    Those of unknown keys are the pooled model's: see `unknown.pool`.
    """
    seen, fleet, store = Seen(), state.fleet, house.store
    frozen = reference.frozen(conn, store, fleet.name, state.revision, house.memory.kept)
    recorded = snapshot.versions.get(predictions(fleet.name))
    if frozen is None or recorded is None or rows.is_empty():
        return seen
    answering = _answering(state)
    known = house.memory.baselines.of(conn, {id for pair in answering.values() for id in pair if id is not None})
    judged_by = baseline.judged_by(answering, known)
    scores, table = performing.measure(fleet, rows, judged_by, now)
    seen.add(scores)
    seen.tables.append(table)
    _estimate(house, conn, state, seen, frozen, rows, recorded.number, now)
    days = spans.days(conn, store, house.memory.kept, fleet.name, recorded, rows, frozen.bins)
    seen.windows += spans.put(store, fleet.name, days, recorded, now)
    expected = {key: known[own] for key, (_, own) in answering.items() if own in known}
    before = _reference(house, conn, state, frozen, judged_by, expected)
    importance = baseline.importance(judged_by)
    _compare(seen, state, frozen, before, days, importance, now)
    skews = asked.monitors(fleet, Skew)
    table, facts = sampled.look(house, conn, snapshot, state, skews, frozen, rows, now)
    seen.tables += [skew_signals(table, each.limit, importance) for each in skews]
    seen.windows += facts
    tables, facts = attributed.look(
        house, conn, snapshot, state, asked.monitors(fleet, Attribution), answering, rows, now
    )
    seen.tables += tables
    seen.windows += facts
    for key, served in rows.filter(pl.col("at") >= instant(now - DAY)).group_by("member").len().iter_rows():
        seen.add({key: {signal.SERVED: float(served)}})
    return seen


def _answering(state: FleetState) -> dict[str, tuple[int | None, int | None]]:
    """Per member, the version that answers for it (its own or the pooled champion) and its own latest version."""
    table = state.table.select("key", "target", "champion_id", "version_id")
    pooled = next((row[2] for row in table.iter_rows() if row[0] == POOLED), None)
    return {
        key: (champion if target == "own" else pooled, champion if target == "own" else own)
        for key, target, champion, own in table.iter_rows()
    }


def _reference(
    house: House, conn: Connection, state: FleetState, frozen: reference.Frozen,
    judged_by: Mapping[str, baseline.Baseline], expected: Mapping[str, baseline.Baseline],
) -> Windows:  # fmt: skip
    """What whoever answers was trained on, with the predictions to expect of it."""
    own = set(state.table.filter((pl.col("target") == "own") | pl.col("pooled"))["key"])
    answering = {key: Answering(base.at, key not in own) for key, base in judged_by.items()}
    found = house.memory.references.of(conn, state.fleet.name, frozen.bins, answering)
    predicted = {key: base.predictions if key in own else base.pooled for key, base in expected.items()}
    told = {key: histogram for key, histogram in predicted.items() if histogram is not None}
    return reference.with_predictions(found, frozen.bins, told)


def _compare(
    seen: Seen, state: FleetState, frozen: reference.Frozen, before: Windows, days: Mapping[datetime, spans.Day],
    importance: pl.DataFrame, now: datetime,
) -> None:  # fmt: skip
    """Drift and bad values: the windows of the last days against the reference."""
    drifts, faults = asked.monitors(state.fleet, Drift), asked.monitors(state.fleet, Quality)
    asked_for = {each.window for each in drifts} | {each.window for each in faults}
    current = {span: spans.within(days, frozen.bins, now, span) for span in asked_for}
    distances, worst = [], []
    for drift in drifts:
        far, table = drifting.measure(drift, before, current[drift.window], frozen.bins, importance)
        distances.append(far)
        seen.tables.append(table)
    for fault in faults:
        bad, table = faulty.measure(fault, before, current[fault.window], frozen.bins, importance)
        worst.append(bad)
        seen.tables.append(table)
    seen.add(drifting.worst(distances))
    seen.add(_unmeasured(state, drifts, frozen, days, now))
    seen.add(faulty.worst(worst))


def _unmeasured(
    state: FleetState, drifts: Sequence[Drift], frozen: reference.Frozen, days: Mapping[datetime, spans.Day],
    now: datetime,
) -> Values:  # fmt: skip
    """Of members that answered, since when rows are counted, where that is too short for all drift monitors."""
    least = min(drifts, key=lambda each: duration.parse(each.window), default=None)
    since = spans.short(days, frozen.bins, now, least.window) if least is not None else None
    if least is None or since is None:
        return {}
    told = {
        signal.DRIFT_SINCE: since.timestamp(),
        signal.DRIFT_WINDOW: duration.parse(least.window).total_seconds(),
    }
    answered = {key for each in days.values() for key in each.table.members}
    return {key: dict(told) for key in state.table["key"] if key in answered}


def _estimate(
    house: House, conn: Connection, state: FleetState, seen: Seen, frozen: reference.Frozen, rows: pl.DataFrame,
    version: int, now: datetime,
) -> None:  # fmt: skip
    """Scores before the labels are there; once a week the labelled rows are kept to calibrate by."""
    week = (estimating.CALIBRATION, state.fleet.name, estimating.monday(now))
    learnt = house.memory.kept.get(week) is not None or estimating.learnt(conn, state.fleet.name, now)
    if learnt:
        house.memory.kept.put(week, True, 1)
    estimates, told = estimating.measure(conn, house.store, state.fleet, frozen.bins, rows, now, learn=not learnt)
    seen.add(estimates)
    if told is not None:
        seen.windows.append(estimating.keep(house.store, state.fleet.name, told, version, now))
