"""Signals and alerts of the seeded home, and what went wrong in it."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Connection

import argosy as ag
from argosy.controller import signal
from argosy.store import alerts, aliases, events, executions, signals, verdicts, versions
from argosy.testing.sample import promote
from tests.console.declared import START, digest

NOW = datetime(2013, 10, 1, 6, tzinfo=UTC)


def watch(tx: Connection, made: ag.Fleet, ids: dict[str, int], life: dict[str, str], dice: random.Random) -> None:
    """Daily signals of half a year."""
    new = []
    for key, id in ids.items():
        fate = life.get(key, "serving")
        if fate in ("new", "failed"):
            new.append(reading(made, id, signal.ROWS, 140.0 if fate == "new" else 950.0, NOW - timedelta(days=1)))
            continue
        base, rows = 0.42 + 0.06 * dice.random(), 4300.0
        for day in range(0, 182, 2):
            at = START + timedelta(days=day + 1)
            season = 0.05 if 60 < day < 110 else 0.0
            score = base + season + dice.gauss(0, 0.012) + (0.1 if fate == "degraded" and day > 165 else 0)
            drift = abs(dice.gauss(0.3, 0.15)) + (1.1 if fate == "drifting" and day > 160 else 0)
            rows += dice.randrange(20, 60)
            values = {
                signal.SCORE: score, signal.SCORE_ROWS: float(dice.randrange(200, 900)), signal.DRIFT: drift,
                signal.DRIFT_VALUE: drift * 0.25, signal.DEGRADED: float(fate == "degraded" and day > 165),
                signal.SERVED: float(dice.randrange(8, 60)), signal.ROWS: rows,
            }  # fmt: skip
            new += [reading(made, id, name, value, at) for name, value in values.items()]
    signals.record(tx, new)


def reading(made: ag.Fleet, id: int, name: str, value: float, at: datetime) -> signals.NewSignal:
    """One value of a signal of a member."""
    return signals.NewSignal(fleet=made.name, member_id=id, name=name, value=value, at=at)


def trouble(tx: Connection, made: ag.Fleet, ids: dict[str, int], life: dict[str, str]) -> None:
    """A failure, a version that waits for a person, alerts."""
    lost = next(key for key, fate in life.items() if fate == "failed")
    executions.record(
        tx,
        [
            executions.NewExecution(key=digest(f"f{n}"), kind="train", subject=f"{made.name}/{lost}",
                                    started_at=NOW, ended_at=NOW - timedelta(minutes=5 - n), outcome="failed",
                                    reason="raised: ValueError: every label is 0", member_id=ids[lost])
            for n in range(2)
        ],
    )  # fmt: skip
    waiting = next(key for key, fate in life.items() if fate == "waiting")
    *_, before, version = versions.of(tx, [ids[waiting]])
    approval = made.gates[-1]
    aliases.move(tx, [msgspec.structs.replace(promote(before), at=NOW)])
    verdicts.add(
        tx,
        [
            verdicts.NewVerdict(
                version_id=version.id, gate=approval.name, passed=None, at=NOW, message=f"waits for {approval.name}"
            )
        ],
    )
    drifted = [key for key, fate in life.items() if fate == "drifting"]
    at = NOW - timedelta(days=9)
    body = {"severity": "warning", "effect": 1.4, "members": drifted, "kind": "drift", "cause": "temp"}
    worse = {"severity": "critical", "effect": 2.0, "members": [k for k, f in life.items() if f == "degraded"]}
    message = f"{len(drifted)} of 35 members drifted on temp (EWR/VX, JFK/DL)"
    past = NOW - timedelta(days=60)
    visib: dict[str, Any] = {
        "fleet": made.name,
        "name": "drift/visib",
        "message": "3 of 35 members drifted on visib",
        "body": body,
    }
    alerts.add(
        tx,
        [
            alerts.NewAlert(**visib, state="raised", at=past, cause="visib"),
            alerts.NewAlert(**visib, state="resolved", at=past + timedelta(days=5), cause="visib"),
            alerts.NewAlert(fleet=made.name, name="drift/temp", cause="temp", state="raised", at=at, message=message,
                            value=0.34, limit_value=0.25, body=body),
            alerts.NewAlert(fleet=made.name, name="performance/log_loss", cause="log_loss", state="raised", at=at,
                            message="log_loss of 1 of 35 members is beyond its limit (EWR/UA)", value=0.56,
                            limit_value=0.5, body=worse),
        ],
    )  # fmt: skip
    events.add(
        tx, [events.NewEvent(at=at, kind="alert.raised", subject=made.name, actor="controller", message=message)]
    )
