"""Endings: how a run came to its end, as a fact and as an event."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from argosy.store import events, runs
from argosy.store.runs import NewEnding, Run, Unended


def record(
    tx: Connection, run: Run | Unended, outcome: str, now: datetime, actor: str, reason: str = "",
    body: dict[str, Any] | None = None,
) -> None:  # fmt: skip
    """Record that a run ended, and why."""
    said = f"run {run.id} {outcome}" + (f": {reason}" if reason else "")
    event = events.NewEvent(
        at=now, kind=f"run.{outcome}", subject=run.pipeline, actor=actor, message=said, body={"run": run.id}
    )
    runs.end(tx, [NewEnding(run_id=run.id, at=now, outcome=outcome, actor=actor, reason=reason, body=body or {})])
    events.add(tx, [event])
