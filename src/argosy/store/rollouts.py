"""Rollouts: how versions reached traffic. Each change of state is a fact; a member's latest counts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, func, select

from argosy.store import current as projection
from argosy.store import schema
from argosy.store.rows import Row, columns, fetch, insert

_TABLE = schema.rollout
STARTED, FINISHED, ROLLED_BACK, SUPERSEDED = "started", "finished", "rolled_back", "superseded"


class NewRollout(Row, frozen=True, kw_only=True):
    """A state of a rollout: the version, how ("canary"), and the share of traffic it has."""

    fleet: str
    member_id: int
    version_id: int
    kind: str
    state: str
    at: datetime
    share: float | None = None
    reason: str = ""
    evidence: dict[str, Any] = msgspec.field(default_factory=dict)


class Rollout(NewRollout, frozen=True, kw_only=True):
    """A recorded state."""

    id: int


def record(tx: Connection, rollouts: Sequence[NewRollout]) -> list[int]:
    """Record states, in order."""
    ids = insert(tx, _TABLE, rollouts)
    projection.rolled(tx, list(zip(ids, rollouts, strict=True)))
    return ids


def current(conn: Connection, fleet: str) -> dict[int, Rollout]:
    """The latest rollout of each member of a fleet that ever had one, by member id."""
    member = schema.member
    each = _TABLE.alias().c
    last = select(func.max(each.id)).where(each.member_id == member.c.id).scalar_subquery()
    query = (
        columns(_TABLE, Rollout).select_from(member.join(_TABLE, _TABLE.c.id == last)).where(member.c.fleet == fleet)
    )
    return {found.member_id: found for found in fetch(conn, query, Rollout)}


def history(conn: Connection, member_id: int, limit: int = 100) -> list[Rollout]:
    """A member's rollouts, newest state first."""
    query = columns(_TABLE, Rollout).where(_TABLE.c.member_id == member_id)
    return fetch(conn, query.order_by(_TABLE.c.id.desc()).limit(limit), Rollout)
