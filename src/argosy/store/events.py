"""Events: what happened, in the order it became true; other processes follow them by id."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, func, select

from argosy.store import schema
from argosy.store.rows import Row, among, columns, fetch, insert

_TABLE = schema.event


class NewEvent(Row, frozen=True, kw_only=True):
    """Something that `actor` did, or that happened, to `subject`."""

    at: datetime
    kind: str
    subject: str
    actor: str
    message: str
    body: dict[str, Any] = msgspec.field(default_factory=dict)


class Event(NewEvent, frozen=True, kw_only=True):
    """A recorded event."""

    id: int


class Newest(Row, frozen=True, kw_only=True):
    """The last event of a kind about a subject."""

    id: int
    at: datetime
    kind: str
    subject: str


def add(tx: Connection, events: Sequence[NewEvent]) -> list[int]:
    """Record events."""
    return insert(tx, _TABLE, events)


def since(conn: Connection, after: int = 0, limit: int = 1000) -> list[Event]:
    """Events with an id above `after`, oldest first. Remember the last id and nothing is missed."""
    query = columns(_TABLE, Event).where(_TABLE.c.id > after).order_by(_TABLE.c.id).limit(limit)
    return fetch(conn, query, Event)


def newest(conn: Connection, kinds: Iterable[str], after: int = 0) -> list[Newest]:
    """The last event of each of some kinds about each subject, of those with an id above `after`, by id; one query."""
    c = _TABLE.c
    id, at = func.max(c.id), func.max(c.at)
    query = select(id, at, c.kind, c.subject).where(c.id > after, c.kind.in_(sorted(kinds)))
    return fetch(conn, query.group_by(c.kind, c.subject).order_by(id), Newest)


def get(conn: Connection, ids: Iterable[int]) -> dict[int, Event]:
    """The events among `ids` that exist."""
    return {event.id: event for event in fetch(conn, columns(_TABLE, Event).where(among(_TABLE.c.id, ids)), Event)}


def kinds(conn: Connection) -> list[str]:
    """The kinds of all that was recorded, in their order."""
    return list(conn.execute(select(_TABLE.c.kind).distinct().order_by(_TABLE.c.kind)).scalars())


def of_subject(conn: Connection, subject: str, limit: int = 100) -> list[Event]:
    """A subject's events, newest first."""
    query = columns(_TABLE, Event).where(_TABLE.c.subject == subject)
    return fetch(conn, query.order_by(_TABLE.c.id.desc()).limit(limit), Event)


def latest(conn: Connection, kind: str, subjects: Iterable[str]) -> dict[str, Event]:
    """The latest event of a kind of each of the subjects that has one."""
    c = _TABLE.c
    last = select(func.max(c.id)).where(among(c.subject, subjects), c.kind == kind).group_by(c.subject)
    return {event.subject: event for event in fetch(conn, columns(_TABLE, Event).where(c.id.in_(last)), Event)}


def of_kind(conn: Connection, subject: str, kind: str, limit: int | None = None) -> list[Event]:
    """A subject's events of one kind, newest first; all of them unless there is a limit."""
    query = columns(_TABLE, Event).where(_TABLE.c.subject == subject, _TABLE.c.kind == kind)
    return fetch(conn, query.order_by(_TABLE.c.id.desc()).limit(limit), Event)
