"""Changes: who changed a field of what, when, from what, to what, and why."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection

from argosy.store.codec import EPOCH, from_micros, to_micros
from argosy.store.rows import execute, execute_many, next_id, within
from argosy.store.tracking.tables import change

_FIELDS = "id, at, actor, kind, entity, field, before, after, reason"
PURGED = "purged"
"""The field of a change which tells that there was something."""
EXPERIMENT, RUN, MODEL, VERSION, LOGGED, TRACE = "experiment", "run", "model", "version", "logged", "trace"


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


def remove(tx: Connection, hand: Hand, kind: str, entity: str, field: str, value: str, first: Hand) -> None:
    """Record that a value is no more; and who set it first, and to what, which it told itself as long as it was."""
    where = "FROM change WHERE kind = ? AND entity = ? AND field = ?"
    last = f"SELECT coalesce(max(id), 0) {where} AND after IS NULL"
    sql = f"SELECT before {where} AND before IS NOT NULL AND id > ({last}) ORDER BY id LIMIT 1"
    found = execute(tx, sql, (kind, entity, field) * 2).fetchone()
    add(tx, first, [Change(kind, entity, field, None, value if found is None else found[0])])
    add(tx, hand, [Change(kind, entity, field, value, None)])


def of(conn: Connection, kind: str, entity: str, limit: int = 1000, until: datetime | None = None) -> list[Past]:
    """The changes of one thing, newest first, up to a moment if given."""
    return _read(conn, kind, "entity = ?", entity, limit, until)


def among(conn: Connection, kind: str, entities: Iterable[str], limit: int = 1000) -> list[Past]:
    """The changes of several things, newest first."""
    return _read(conn, kind, *within(conn, "entity", entities), limit)


def _read(
    conn: Connection, kind: str, where: str, bound: Any, limit: int, until: datetime | None = None
) -> list[Past]:  # fmt: skip
    sql, values = f"SELECT {_FIELDS} FROM change WHERE kind = ? AND {where}", [kind, bound]
    if until is not None:
        sql, values = f"{sql} AND at <= ?", [*values, to_micros(until)]
    rows = execute(conn, f"{sql} ORDER BY id DESC LIMIT {int(limit)}", values)
    return [Past(id, from_micros(at) or EPOCH, *rest) for id, at, *rest in rows]


def purged(conn: Connection, kind: str) -> int:
    """The last id of the things of a kind that were purged; whoever still names one must not mean another."""
    sql = "SELECT after FROM change WHERE kind = ? AND entity = ? ORDER BY id DESC LIMIT 1"
    found = execute(conn, sql, (PURGED, kind)).fetchone()
    return 0 if found is None else int(found[0])


def tell_purged(tx: Connection, hand: Hand, kind: str, ids: Sequence[int]) -> None:
    """Keep that things of a kind were purged, each by its id, and the last of these ids."""
    if ids:
        gone = [Change(kind, str(id), PURGED, None, hand.at.isoformat()) for id in ids]
        last = max(purged(tx, kind), *ids)
        add(tx, hand, [*gone, Change(PURGED, kind, "last", None, str(last))])
