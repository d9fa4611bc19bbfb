"""Tags of experiments, registered models, their versions and logged models; every change of one is kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sqlalchemy import Connection

from argosy.errors import UnknownError
from argosy.store.codec import EPOCH, from_micros, to_micros
from argosy.store.rows import execute, execute_many, within
from argosy.store.tracking import changes
from argosy.store.tracking.changes import Change, Hand


def put(tx: Connection, kind: str, entity: str, tags: Mapping[str, str], hand: Hand) -> None:
    """Set tags of one thing; those that it has with other values are changed."""
    if not tags:
        return
    known = of(tx, kind, [entity]).get(entity, {})
    at = to_micros(hand.at)
    values = [(kind, entity, key, value, at, hand.actor) for key, value in tags.items() if known.get(key) != value]
    execute_many(
        tx,
        "INSERT INTO label (kind, entity, key, value, at, actor) VALUES (?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (kind, entity, key) DO UPDATE SET value = excluded.value",
        values,
    )
    changed = [(key, value) for _, _, key, value, *_ in values if key in known]
    changes.add(tx, hand, [Change(kind, entity, f"tag:{key}", known[key], value) for key, value in changed])


def remove(tx: Connection, kind: str, entity: str, key: str, hand: Hand) -> None:
    """Remove a tag. Raises UnknownError where there is none of this key."""
    where = "FROM label WHERE kind = ? AND entity = ? AND key = ?"
    found = execute(tx, f"SELECT value, at, actor {where}", (kind, entity, key)).fetchone()
    if found is None:
        raise UnknownError(f"{kind} {entity} has no tag {key!r}", next="look at its tags first")
    execute(tx, f"DELETE {where}", (kind, entity, key))
    value, at, actor = found
    changes.remove(tx, hand, kind, entity, f"tag:{key}", value, Hand(actor, from_micros(at) or EPOCH))


def of(conn: Connection, kind: str, entities: Iterable[str]) -> dict[str, dict[str, str]]:
    """The tags of several things that have any, by thing and key."""
    clause, bound = within(conn, "entity", entities)
    found: dict[str, dict[str, str]] = {}
    sql = f"SELECT entity, key, value FROM label WHERE kind = ? AND {clause} ORDER BY entity, key"
    for entity, key, value in execute(conn, sql, (kind, bound)):
        found.setdefault(entity, {})[key] = value
    return found
