"""Carry out a `Watch`: count what was answered, measure drift and live performance, raise and resolve alerts."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
import polars as pl
from sqlalchemy import Connection

from argosy.controller import signal
from argosy.controller.action import Watch
from argosy.controller.house import House
from argosy.controller.observe import FleetState, Snapshot
from argosy.controller.plan import predictions, watch_key
from argosy.controller.watching import answered, asked, baking, failing, unknown
from argosy.controller.watching.look import Seen, Values, look
from argosy.monitoring import alert as alerting
from argosy.monitoring.alert import Alert, Changes
from argosy.spec.dataset import Dataset
from argosy.spec.fleet import POOLED
from argosy.spec.quantity import plural
from argosy.store import alerts, edges, events, executions, members, signals, windows

_UNSEEN: dict[str, float | None] = {
    **dict.fromkeys((
        signal.DRIFT, signal.DRIFT_VALUE, signal.DRIFT_SINCE, signal.DRIFT_WINDOW, signal.DEGRADED, signal.SCORE,
        signal.SCORE_ROWS, signal.ESTIMATE, signal.QUALITY,
    )),
    signal.SERVED: 0.0, signal.UNKNOWN: 0.0,
}  # fmt: skip
"""What becomes of signals of members of which a watch saw too little: a drift of long ago is none of today."""

_MOVING = (signal.CANARY, signal.UNKNOWN)
"""Signals whose evidence may be another one where their value is the same."""


def run(house: House, snapshot: Snapshot, action: Watch, now: datetime) -> str:
    """Look at one fleet; what it saw becomes windows, signals, alerts and one execution, in one transaction."""
    state = snapshot.fleets[action.fleet]
    spine = snapshot.wanted["dataset", state.fleet.spine].declaration
    assert isinstance(spine, Dataset)
    with house.store.read() as conn:
        counts = house.memory.counts.rows(conn, state.fleet, snapshot, now)
        known = {*counts, *state.table["key"]} - {POOLED}
        rows = unknown.pool(_rows(house, conn, snapshot, state, spine, now), known)
        came = _came(house, conn, snapshot, state, now)
        told = came.filter(~pl.col("shadow"))
        seen = look(house, conn, snapshot, state, rows, now)
        seen.add(unknown.measure(told, known, now))
        seen.tables.append(failing.measure(unknown.pool(told, known), now))
        seen.add(baking.measure(house, conn, snapshot, state, unknown.pool(came, known), now))
        active = [msgspec.convert(a.body, Alert) for a in alerts.raised(conn, state.fleet.name)]
    seen.add({key: {signal.ROWS: float(count)} for key, count in counts.items()})
    if state.fleet.pooled:
        seen.add({POOLED: {signal.ROWS: float(sum(counts.values()))}})
    else:
        seen.values.pop(POOLED, None)
    _fade(seen.values, state.table)
    changes = alerting.watch(seen.signals, active, at=now, watched=max(len(counts), 1))
    _write(house, snapshot, state, seen, changes, now)
    counted, raised = plural(rows.height, "answered row"), plural(len(changes.raised), "alert")
    return f"{state.fleet.name}: {counted}, {raised} raised"


def _rows(
    house: House, conn: Connection, snapshot: Snapshot, state: FleetState, spine: Dataset, now: datetime
) -> pl.DataFrame:
    """All answered rows of the days that the monitors look at, those of today and of clocks ahead too, with labels."""
    low, high = asked.horizon(state.fleet, now), asked.midnight(now) + 2 * asked.DAY
    number = _recorded(snapshot, state)
    rows = answered.answers(conn, house.store, state.fleet.name, low, high, number=number, kept=house.memory.kept)
    told = snapshot.versions.get(spine.name)
    return answered.labelled(conn, house.store, house.memory.kept, state.fleet, spine, told, rows, now)


def _came(house: House, conn: Connection, snapshot: Snapshot, state: FleetState, now: datetime) -> pl.DataFrame:
    """All rows that came in lately, answered or not, whatever their decision time."""
    since, number = asked.arrivals(state, now), _recorded(snapshot, state)
    return answered.arrived(conn, house.store, state.fleet.name, since, number=number, kept=house.memory.kept)


def _recorded(snapshot: Snapshot, state: FleetState) -> int:
    """The version of the recorded predictions that is looked at; 0 where there is none."""
    recorded = snapshot.versions.get(predictions(state.fleet.name))
    return recorded.number if recorded is not None else 0


def _fade(values: Values, table: pl.DataFrame) -> None:
    """Put in for what was known before and was not measured now."""
    for key, *known in table.select("key", *_UNSEEN).iter_rows():
        for (name, value), before in zip(_UNSEEN.items(), known, strict=True):
            if before is not None:
                values.setdefault(key, {}).setdefault(name, value)


def _write(
    house: House, snapshot: Snapshot, state: FleetState, seen: Seen, changes: Changes, now: datetime
) -> None:  # fmt: skip
    fleet, values = state.fleet.name, seen.values
    run = executions.NewExecution(
        key=watch_key(snapshot, state.fleet, now), kind="watch", subject=f"watch:{fleet}", started_at=now, ended_at=now,
        metrics={"members": len(values), "raised": len(changes.raised), "resolved": len(changes.resolved)},
    )  # fmt: skip
    with house.write(f"watch:{fleet}") as tx:
        ids = members.ensure(tx, fleet, sorted(values), now)
        known = {key: row for key, *row in state.table.select("key", *signal.ALL).iter_rows()}
        new = [
            signals.NewSignal(fleet=fleet, member_id=ids[key], name=name, value=value, at=now, body=body)
            for key, found in sorted(values.items())
            for name, value in found.items()
            if name != "bodies"
            and _news(known.get(key), name, value, body := found.get("bodies", {}).get(name))
        ]  # fmt: skip
        signals.record(tx, new)
        windows.add(tx, seen.windows)
        alerts.add(tx, [_alert(fleet, each, alerts.RAISED, now) for each in changes.raised]
                   + [_alert(fleet, each, alerts.CHANGED, now) for each in changes.changed]
                   + [_alert(fleet, each, alerts.RESOLVED, now) for each in changes.resolved])  # fmt: skip
        events.add(tx, [_event(house, fleet, each, "alert.raised", now) for each in changes.raised]
                   + [_event(house, fleet, each, "alert.resolved", now) for each in changes.resolved])  # fmt: skip
        (id,) = executions.record(tx, [run])
        edges.add(tx, [
            edges.Edge(execution_id=id, direction=edges.IN, kind="dataset", reference=f"{v.dataset}@{v.number}")
            for name in (state.fleet.spine, predictions(fleet))
            if (v := snapshot.versions.get(name)) is not None
        ])  # fmt: skip


def _news(known: list[Any] | None, name: str, value: float | None, body: dict[str, Any] | None) -> bool:
    """A signal that says the same as before is not written again, but for one of `_MOVING` with its evidence."""
    moves = name in _MOVING and body is not None
    return known is None or moves or known[signal.ALL.index(name)] != value


def _alert(fleet: str, alert: Alert, state: str, now: datetime) -> alerts.NewAlert:
    return alerts.NewAlert(
        fleet=fleet, name=alert.name, cause=alert.cause, state=state, value=alert.value, limit_value=alert.limit,
        at=now, message=alert.message, body=msgspec.to_builtins(alert),
    )  # fmt: skip


def _event(house: House, fleet: str, alert: Alert, kind: str, now: datetime) -> events.NewEvent:
    return events.NewEvent(
        at=now, kind=kind, subject=fleet, actor=house.actor, message=alert.message, body={"alert": alert.name}
    )
