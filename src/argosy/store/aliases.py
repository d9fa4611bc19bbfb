"""Aliases: which version of a member bears a name. Moving one is a fact; the latest counts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import Connection, func, select

from argosy.errors import InputError
from argosy.store import current as projection
from argosy.store import schema
from argosy.store.rows import Row, among, columns, fetch, insert

_TABLE = schema.alias
CHAMPION, CHALLENGER = "champion", "challenger"
OWN, POOLED, NONE = "own", "pooled", "none"


class Move(Row, frozen=True, kw_only=True):
    """Point `alias` of a member at its own `version_id`, at the pooled model, or at nothing.

    `version_id` is given exactly when `target` is "own".
    """

    fleet: str
    member_id: int
    alias: str
    target: str
    at: datetime
    actor: str
    version_id: int | None = None
    reason: str = ""


class Alias(Move, frozen=True, kw_only=True):
    """A recorded move."""

    id: int


def move(tx: Connection, moves: Sequence[Move]) -> list[int]:
    """Record moves, in order. Raises `InputError` if a target and its version do not go together."""
    for each in moves:
        if each.target not in (OWN, POOLED, NONE) or (each.target == OWN) != (each.version_id is not None):
            raise InputError(
                f"alias {each.alias} of member {each.member_id}: target {each.target!r} with version {each.version_id}",
                next='give "own" with a version, or "pooled" or "none" without',
            )
    ids = insert(tx, _TABLE, moves)
    projection.moved(tx, moves)
    return ids


def current(conn: Connection, fleet: str, alias: str) -> dict[int, Alias]:
    """Where `alias` points for each member of a fleet that ever had it, by member id."""
    member = schema.member
    each = _TABLE.alias().c
    last = select(func.max(each.id)).where(each.member_id == member.c.id, each.alias == alias).scalar_subquery()
    query = columns(_TABLE, Alias).select_from(member.join(_TABLE, _TABLE.c.id == last)).where(member.c.fleet == fleet)
    return {found.member_id: found for found in fetch(conn, query, Alias)}


def history(conn: Connection, member_id: int, alias: str | None = None, limit: int = 100) -> list[Alias]:
    """A member's moves, newest first."""
    query = columns(_TABLE, Alias).where(_TABLE.c.member_id == member_id)
    if alias is not None:
        query = query.where(_TABLE.c.alias == alias)
    return fetch(conn, query.order_by(_TABLE.c.id.desc()).limit(limit), Alias)


def before(conn: Connection, member_ids: Iterable[int], alias: str) -> dict[int, Alias]:
    """Of each of some members, the last move that pointed `alias` elsewhere than it points now; those that have one."""
    query = columns(_TABLE, Alias).where(_TABLE.c.alias == alias, among(_TABLE.c.member_id, member_ids))
    last: dict[int, Alias] = {}
    found: dict[int, Alias] = {}
    for each in fetch(conn, query.order_by(_TABLE.c.id.desc()), Alias):
        now = last.setdefault(each.member_id, each)
        if (each.target, each.version_id) != (now.target, now.version_id):
            found.setdefault(each.member_id, each)
    return found
