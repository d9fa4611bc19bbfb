"""Routes: for every member of a fleet, which versions may answer its rows and where their bytes lie."""

from __future__ import annotations

from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, Table, and_, func, literal, null, or_, select

from argosy.store import schema
from argosy.store.blobs import Slot
from argosy.store.rows import Row, fetch

_CURRENT, _VERSION, _ARTIFACT = schema.current, schema.version, schema.artifact


class Route(Row, frozen=True, kw_only=True):
    """One version that may answer for member `key`; without any, `version_id` and what follows are None.

    `role` is "champion", or "rollout" for the version of a rollout that is "started", which has `share`
    of the traffic in the manner `kind`.
    """

    member_id: int
    key: str
    target: str | None
    role: str
    kind: str | None
    share: float | None
    version_id: int | None
    number: int | None
    format: str | None
    signature: str | None
    digest: str | None
    pack: str | None
    start: int | None
    bytes: int | None

    @property
    def slot(self) -> Slot | None:
        """What `Blobs.read` takes."""
        if self.digest is None:
            return None
        return Slot(self.digest, self.pack, self.start or 0, self.bytes or 0)


class Reach(NamedTuple):
    """How far the facts that routes follow from have been read: the last member, move and rollout."""

    member: int
    alias: int
    rollout: int


def table(conn: Connection, fleet: str, since: Reach | None = None) -> list[Route]:
    """All routes of a fleet by key: one for each member, and one more for each member with a rollout under way.

    With `since`, those of the members alone for which there are facts that it does not reach.
    """
    started = and_(_CURRENT.c.rollout_state == "started", _CURRENT.c.rollout_version_id.is_not(None))
    none = (literal("champion"), null(), null())
    champion = _routes(none, _CURRENT.c.champion_id, fleet, since)
    some = (literal("rollout"), _CURRENT.c.rollout_kind, _CURRENT.c.rollout_share)
    rollout = _routes(some, _CURRENT.c.rollout_version_id, fleet, since).where(started)
    routes = fetch(conn, champion, Route) + fetch(conn, rollout, Route)
    return sorted(routes, key=lambda route: route.key)


def reach(conn: Connection) -> Reach:
    """How far `table` reads now."""
    return Reach(*conn.execute(_last(schema.member, schema.alias, schema.rollout)).one())


def mark(conn: Connection) -> tuple[int, ...]:
    """Grows exactly when an alias moved, a rollout or a rule changed, a gate spoke or a person did.

    It is cheap to ask every second.
    """
    last = _last(schema.alias, schema.rollout, schema.rule, schema.verdict, schema.approval)
    return tuple(int(id) for id in conn.execute(last).one())


def _last(*tables: Table) -> Select[Any]:
    return select(*(select(func.coalesce(func.max(table.c.id), 0)).scalar_subquery() for table in tables))


def _routes(how: tuple[Any, Any, Any], version_id: Any, fleet: str, since: Reach | None) -> Select[Any]:
    c, v, a = _CURRENT.c, _VERSION.c, _ARTIFACT.c
    found = (v.id, v.number, v.format, v.signature, a.digest, a.pack, a.start, a.bytes)
    query = select(c.member_id, c.key, c.target, *how, *found).select_from(_CURRENT)
    query = query.outerjoin(_VERSION, v.id == version_id).outerjoin(_ARTIFACT, a.digest == v.artifact)
    query = query.where(c.fleet == fleet)
    if since is None:
        return query
    moved = [
        select(each.c.member_id).where(each.c.id > last)
        for each, last in ((schema.alias, since.alias), (schema.rollout, since.rollout))
    ]
    return query.where(or_(c.member_id > since.member, *(c.member_id.in_(each) for each in moved)))
