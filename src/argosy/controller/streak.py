"""Streaks: how many runs in a row that a pipeline began by itself failed, and the alert that tells of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection

from argosy.spec import schedule
from argosy.store import Store, alerts, events, runs
from argosy.store.alerts import Alert, NewAlert
from argosy.store.runs import Ended

_SHOWN = 200
"""Letters of a reason that a message holds."""


class Streak(msgspec.Struct):
    """Runs of one pipeline that failed with none between them that succeeded: since when, and the last to fail."""

    since: datetime
    runs: set[int]
    last: int
    reason: str

    @property
    def body(self) -> dict[str, Any]:
        """It as an alert records it. A pipeline that fails is as grave as rows left without an answer."""
        told = {"severity": "critical", "since": self.since, "run": self.last, "failures": len(self.runs)}
        found: dict[str, Any] = msgspec.to_builtins({**told, "reason": self.reason})
        return found

    @property
    def message(self) -> str:
        """It in words, after the name of its pipeline."""
        reason, when = self.reason.partition("\n")[0], schedule.moment(self.since)
        said = f"run {self.last}: {reason if len(reason) <= _SHOWN else reason[: _SHOWN - 1] + '…'}"
        if len(self.runs) == 1:
            return f"failed at {when}, {said}"
        return f"has failed since {when}, {len(self.runs):,} runs in a row, the last of them {said}"


class Streaks:
    """Keeps the alerts of the runs that `actor` began; a look at nothing new is one query.

    It belongs to one thread. What it remembers it could read again: two may look at one home.
    """

    def __init__(self, actor: str) -> None:
        self._actor = actor
        self._ending = 0
        self._known: dict[str, Streak] = {}
        self._told: dict[str, dict[str, Any]] | None = None

    def read(self, conn: Connection, watched: Collection[str]) -> dict[str, Streak]:
        """The streaks of some pipelines that last as of now; no query where there are none of them."""
        if not watched:
            return {}
        new = runs.failing(conn, self._actor, self._ending)
        go_on(self._known, new)
        self._ending = max((each.id for each in new), default=self._ending)
        return {name: self._known[name] for name in sorted(watched) if name in self._known}

    def tell(self, store: Store, streaks: Mapping[str, Streak], now: datetime) -> None:
        """Record what streaks change of the alerts, where they are others than those that were told last."""
        told = {name: each.body for name, each in streaks.items()}
        if told == self._told:
            return
        with store.write() as tx:
            new = changes(streaks, alerts.raised(tx, alerts.NO_FLEET), now)
            alerts.add(tx, new)
            events.add(tx, [_event(each, self._actor) for each in new if each.state != alerts.CHANGED])
        self._told = told


def go_on(known: dict[str, Streak], endings: Iterable[Ended]) -> None:
    """Bring streaks by pipeline up to date with how runs ended since, oldest first.

    A run that was tried again and failed again counts once.
    """
    for each in endings:
        if each.outcome == runs.SUCCEEDED:
            known.pop(each.pipeline, None)
            continue
        streak = known.setdefault(each.pipeline, Streak(each.at, set(), each.run_id, each.reason))
        streak.runs.add(each.run_id)
        streak.last, streak.reason = each.run_id, each.reason


def changes(streaks: Mapping[str, Streak], raised: Iterable[Alert], now: datetime) -> list[NewAlert]:
    """What makes the alerts that are raised those that streaks by pipeline ask for."""
    before = {alert.cause: alert for alert in raised}
    found = [
        NewAlert(
            fleet=alerts.NO_FLEET, name=f"pipeline/{name}", cause=name, at=now, value=float(len(each.runs)),
            state=alerts.CHANGED if name in before else alerts.RAISED, message=f"pipeline {name} {each.message}",
            body=each.body,
        )
        for name, each in streaks.items()
        if name not in before or before[name].body != each.body
    ]  # fmt: skip
    over = [alert for name, alert in before.items() if name not in streaks]
    return found + [_resolved(alert, now) for alert in over]


def _resolved(alert: Alert, now: datetime) -> NewAlert:
    said = {name: getattr(alert, name) for name in NewAlert.__struct_fields__}
    return NewAlert(**{**said, "state": alerts.RESOLVED, "at": now})


def _event(alert: NewAlert, actor: str) -> events.NewEvent:
    return events.NewEvent(
        at=alert.at, kind=f"alert.{alert.state}", subject=f"pipeline:{alert.cause}", actor=actor,
        message=alert.message, body={"alert": alert.name},
    )  # fmt: skip
