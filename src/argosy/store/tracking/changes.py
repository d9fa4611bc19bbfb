"""Changes: who changed a field of what, when, from what, to what, and why."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from argosy.store.codec import from_micros, to_micros
from argosy.store.rows import execute, execute_many, next_id
from argosy.store.tracking.tables import change

_FIELDS = "id, at, actor, kind, entity, field, before, after, reason"
EXPERIMENT, RUN, MODEL, VERSION, LOGGED = "experiment", "run", "model", "version", "logged"


class Hand(NamedTuple):
    """Whose hand does something, and when."""

    actor: str
    at: datetime


class Change(NamedTuple):
    """One change; `entity` is the id or name of what was changed, None in `before` or `after` is absent."""

    kind: str
    entity: str
    field: str
    before: str | None
    after: str | None
    reason: str = ""


class Past(NamedTuple):
    """A recorded change."""

    id: int
    at: datetime
    actor: str
    kind: str
    entity: str
    field: str
    before: str | None
    after: str | None
    reason: str


def add(tx: Connection, hand: Hand, changes: Sequence[Change]) -> None:
    """Record changes."""
    if changes:
        first, at = next_id(tx, change), to_micros(hand.at)
        values = [
            (id, at, hand.actor, c.kind, c.entity, c.field, c.before, c.after, c.reason)
            for id, c in enumerate(changes, first)
        ]
        execute_many(tx, f"INSERT INTO change ({_FIELDS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", values)


def of(conn: Connection, kind: str, entity: str, limit: int = 1000, until: datetime | None = None) -> list[Past]:
    """The changes of one thing, newest first, up to a moment if given."""
    sql, values = f"SELECT {_FIELDS} FROM change WHERE kind = ? AND entity = ?", [kind, entity]
    bound: list[object] = [*values]
    if until is not None:
        sql, bound = f"{sql} AND at <= ?", [*bound, to_micros(until)]
    found = []
    for id, at, *rest in execute(conn, f"{sql} ORDER BY id DESC LIMIT {int(limit)}", bound):
        moment = from_micros(at)
        assert moment is not None
        found.append(Past(id, moment, *rest))
    return found
