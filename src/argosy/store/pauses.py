"""Pauses: whether the schedule of a pipeline is to start runs."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, func, select

from argosy.store import schema
from argosy.store.rows import Row, columns, fetch, insert

_TABLE = schema.pause


class NewPause(Row, frozen=True, kw_only=True):
    """A pipeline is paused, or resumed."""

    pipeline: str
    paused: bool
    at: datetime
    actor: str
    reason: str = ""


class Pause(NewPause, frozen=True, kw_only=True):
    """A recorded one; the last of a pipeline counts."""

    id: int


def add(tx: Connection, pause: NewPause) -> int:
    """Record it."""
    return insert(tx, _TABLE, [pause])[0]


def latest(conn: Connection) -> dict[str, Pause]:
    """The last word on each pipeline that was ever paused."""
    last = select(func.max(_TABLE.c.id)).group_by(_TABLE.c.pipeline)
    found = fetch(conn, columns(_TABLE, Pause).where(_TABLE.c.id.in_(last)), Pause)
    return {each.pipeline: each for each in found}
