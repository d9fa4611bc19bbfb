"""Decisions: what the controller did, or left, and why."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection

from argosy.store import schema
from argosy.store.rows import Row, columns, fetch, insert

_TABLE = schema.decision


class NewDecision(Row, frozen=True, kw_only=True):
    """One decision about a member, or about the fleet when `member_id` is None."""

    fleet: str
    action: str
    at: datetime
    reason: str
    member_id: int | None = None
    body: dict[str, Any] = msgspec.field(default_factory=dict)


class Decision(NewDecision, frozen=True, kw_only=True):
    """A recorded decision."""

    id: int


def add(tx: Connection, decisions: Sequence[NewDecision]) -> list[int]:
    """Record decisions."""
    return insert(tx, _TABLE, decisions)


def of_member(conn: Connection, member_id: int, limit: int = 100) -> list[Decision]:
    """A member's decisions, newest first."""
    query = columns(_TABLE, Decision).where(_TABLE.c.member_id == member_id)
    return fetch(conn, query.order_by(_TABLE.c.id.desc()).limit(limit), Decision)


def of_fleet(conn: Connection, fleet: str, limit: int = 100) -> list[Decision]:
    """Decisions about a fleet and all its members, newest first."""
    query = columns(_TABLE, Decision).where(_TABLE.c.fleet == fleet)
    return fetch(conn, query.order_by(_TABLE.c.id.desc()).limit(limit), Decision)
