"""Carry out a `Watch`: count what was answered, measure drift and live performance, raise and resolve alerts."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import msgspec
import polars as pl
from sqlalchemy import Connection

from argosy.controller import signal
from argosy.controller.action import Watch
from argosy.controller.house import House
from argosy.controller.observe import FleetState, Snapshot
from argosy.controller.plan import predictions, watch_key
from argosy.controller.watching import answered, baking, baseline, drifting, performing, reference, spans
from argosy.monitoring import alert as alerting
from argosy.monitoring.alert import Alert, Changes
from argosy.monitoring.bins import Bins
from argosy.monitoring.window import Windows
from argosy.spec import duration
from argosy.spec.dataset import Dataset
from argosy.spec.monitor import Drift
from argosy.store import alerts, edges, events, executions, members, signals

POOLED = "*"
_DAY = timedelta(days=1)
Values = dict[str, dict[str, Any]]
_FADING: dict[str, float | None] = {
    **dict.fromkeys((signal.DRIFT, signal.DRIFT_VALUE, signal.DEGRADED, signal.SCORE, signal.SCORE_ROWS)),
    signal.SERVED: 0.0,
}
"""What becomes of signals of members of which a watch saw too little: a drift of long ago is none of today."""


def run(house: House, snapshot: Snapshot, action: Watch, now: datetime) -> str:
    """Look at one fleet; what it saw becomes windows, signals, alerts and one execution, in one transaction."""
    state = snapshot.fleets[action.fleet]
    spine = snapshot.wanted["dataset", state.fleet.spine].declaration
    assert isinstance(spine, Dataset)
    with house.store.read() as conn:
        counts = house.counts.rows(conn, state.fleet, snapshot, now)
        rows = answered.answers(conn, house.store, state.fleet.name, now - _horizon(state, now), now)
        labelled = answered.labelled(conn, house.store, state.fleet, spine, rows, now)
        values, seen, windows = _measure(house, conn, state, rows, labelled, now)
        _merge(values, baking.measure(conn, house.store, state, rows, labelled, now))
        active = [msgspec.convert(a.body, Alert) for a in alerts.raised(conn, state.fleet.name)]
    for key, count in counts.items():
        values.setdefault(key, {})[signal.ROWS] = float(count)
    if state.fleet.pooled:
        values.setdefault(POOLED, {})[signal.ROWS] = float(sum(counts.values()))
    _fade(values, state.table)
    changes = alerting.watch(seen.filter(pl.col("member") != POOLED), active, at=now, watched=max(len(counts), 1))
    _write(house, snapshot, state, values, changes, windows, now)
    return f"{state.fleet.name}: {rows.height:,} answered rows, {len(changes.raised)} alert(s) raised"


def _horizon(state: FleetState, now: datetime) -> timedelta:
    """How far back the monitors and the running canaries look."""
    asked = [duration.parse(monitor.window) for monitor in state.fleet.monitors] + [_DAY]
    started = state.table.filter((pl.col("rollout_state") == "started").fill_null(False))["rollout_at"].min()
    return max([*asked, now - started] if isinstance(started, datetime) else asked)


def _measure(
    house: House, conn: Connection, state: FleetState, rows: pl.DataFrame, labelled: pl.DataFrame, now: datetime
) -> tuple[Values, pl.DataFrame, list[spans.Counted]]:
    """Signals by member, the table that alerts are made from, and the windows that were counted anew."""
    bins = reference.frozen(conn, house.store, state.fleet.name, state.revision)
    if bins is None or rows.is_empty():
        return {}, pl.DataFrame(schema=alerting.SIGNALS), []
    answering = _answering(state)
    known = house.baselines.of(conn, {id for pair in answering.values() for id in pair if id is not None})
    judged_by = {key: known[a] for key, (a, _) in answering.items() if a in known}
    values, seen = performing.measure(state.fleet, labelled, judged_by, now)
    counted = spans.count(conn, house.store, state.fleet.name, rows, bins, now)
    before = _reference(house, conn, state, bins, {k: known[own] for k, (_, own) in answering.items() if own in known})
    importance = baseline.importance(judged_by)
    tables, found = [seen], []
    for monitor in state.fleet.monitors:
        if isinstance(monitor, Drift):
            current = spans.within(conn, house.store, state.fleet.name, bins, counted, now, monitor.window)
            distances, more = drifting.measure(monitor, before, current, bins, importance)
            found.append(distances)
            tables.append(more)
    _merge(values, drifting.worst(found))
    for key, served in rows.filter(pl.col("at") >= now - _DAY).group_by("member").len().iter_rows():
        values.setdefault(key, {})[signal.SERVED] = float(served)
    return values, pl.concat(tables), counted


def _answering(state: FleetState) -> dict[str, tuple[int | None, int | None]]:
    """Per member, the version that answers for it (its own or the pooled champion) and its own latest version."""
    table = state.table.select("key", "target", "champion_id", "version_id")
    pooled = next((row[2] for row in table.iter_rows() if row[0] == POOLED), None)
    return {
        key: (champion if target == "own" else pooled, champion if target == "own" else own)
        for key, target, champion, own in table.iter_rows()
    }


def _reference(
    house: House, conn: Connection, state: FleetState, bins: Bins, owners: dict[str, baseline.Baseline]
) -> Windows:
    """What members were trained on, with the predictions to expect of whoever answers for each."""
    found = house.references.of(conn, state.fleet.name, bins)
    own = set(state.table.filter((pl.col("target") == "own") | pl.col("pooled"))["key"])
    expected = {key: base.predictions if key in own else base.pooled for key, base in owners.items()}
    return reference.with_predictions(found, bins, {key: seen for key, seen in expected.items() if seen is not None})


def _fade(values: Values, table: pl.DataFrame) -> None:
    """Put in for what was known before and was not measured now."""
    for key, *known in table.select("key", *_FADING).iter_rows():
        for (name, value), before in zip(_FADING.items(), known, strict=True):
            if before is not None:
                values.setdefault(key, {}).setdefault(name, value)


def _merge(into: Values, more: Values) -> None:
    for key, values in more.items():
        into.setdefault(key, {}).update({name: value for name, value in values.items() if name != "body"})
        if values.get("body"):
            into[key].setdefault("bodies", {})[next(name for name in values if name != "body")] = values["body"]


def _write(
    house: House, snapshot: Snapshot, state: FleetState, values: Values, changes: Changes,
    windows: list[spans.Counted], now: datetime,
) -> None:  # fmt: skip
    fleet = state.fleet.name
    facts = spans.put(house.store, fleet, windows, snapshot.versions.get(predictions(fleet)), now)
    run = executions.NewExecution(
        key=watch_key(snapshot, state.fleet, now), kind="watch", subject=f"watch:{fleet}", started_at=now, ended_at=now,
        metrics={"members": len(values), "raised": len(changes.raised), "resolved": len(changes.resolved)},
    )  # fmt: skip
    with house.write(f"watch:{fleet}") as tx:
        ids = members.ensure(tx, fleet, sorted(values), now)
        known = {key: row for key, *row in state.table.select("key", *signal.ALL).iter_rows()}
        new = [
            signals.NewSignal(
                fleet=fleet, member_id=ids[key], name=name, value=value, at=now, body=found.get("bodies", {}).get(name)
            )
            for key, found in sorted(values.items())
            for name, value in found.items()
            if name != "bodies" and _news(known.get(key), name, value)
        ]  # fmt: skip
        signals.record(tx, new)
        spans.record(tx, facts)
        alerts.add(tx, [_alert(fleet, each, "raised", now) for each in changes.raised]
                   + [_alert(fleet, each, "resolved", now) for each in changes.resolved])  # fmt: skip
        events.add(tx, [_event(house, fleet, each, "alert.raised", now) for each in changes.raised]
                   + [_event(house, fleet, each, "alert.resolved", now) for each in changes.resolved])  # fmt: skip
        (id,) = executions.record(tx, [run])
        edges.add(tx, [
            edges.Edge(execution_id=id, direction=edges.IN, kind="dataset", reference=f"{v.dataset}@{v.number}")
            for name in (state.fleet.spine, predictions(fleet))
            if (v := snapshot.versions.get(name)) is not None
        ])  # fmt: skip


def _news(known: list[Any] | None, name: str, value: float | None) -> bool:
    """A signal that says the same as before is not written again, but for a canary's, whose evidence moves on."""
    return known is None or name == signal.CANARY or known[signal.ALL.index(name)] != value


def _alert(fleet: str, alert: Alert, state: str, now: datetime) -> alerts.NewAlert:
    return alerts.NewAlert(
        fleet=fleet, name=alert.name, cause=alert.cause, state=state, value=alert.value, limit_value=alert.limit,
        at=now, message=alert.message, body=msgspec.to_builtins(alert),
    )  # fmt: skip


def _event(house: House, fleet: str, alert: Alert, kind: str, now: datetime) -> events.NewEvent:
    return events.NewEvent(
        at=now, kind=kind, subject=fleet, actor=house.actor, message=alert.message, body={"alert": alert.name}
    )
