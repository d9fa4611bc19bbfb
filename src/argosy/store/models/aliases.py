"""Aliases of registered models: names for versions. Every move is kept, so what one pointed at once is a query."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import Connection

from argosy.store.codec import to_micros
from argosy.store.models.registered import Registered
from argosy.store.rows import execute, within
from argosy.store.tracking import changes
from argosy.store.tracking.changes import MODEL, Change, Hand


def of(conn: Connection, model_ids: Iterable[int]) -> dict[int, dict[str, int]]:
    """The numbers that aliases point at, by model and alias."""
    clause, bound = within(conn, "model_id", model_ids)
    sql = f"SELECT model_id, alias, number FROM registered_alias WHERE {clause} ORDER BY model_id, alias"
    found: dict[int, dict[str, int]] = {}
    for model_id, alias, number in execute(conn, sql, (bound,)):
        found.setdefault(model_id, {})[alias] = number
    return found


def find(conn: Connection, model: Registered, alias: str) -> int | None:
    """The number that an alias points at."""
    sql = "SELECT number FROM registered_alias WHERE model_id = ? AND alias = ?"
    found = execute(conn, sql, (model.id, alias)).fetchone()
    return None if found is None else int(found[0])


def at(conn: Connection, model: Registered, alias: str, moment: datetime) -> int | None:
    """The number that an alias pointed at at a moment; None where it pointed at nothing then."""
    sql = "SELECT after FROM change WHERE kind = ? AND entity = ? AND field = ? AND at <= ? ORDER BY id DESC LIMIT 1"
    found = execute(conn, sql, (MODEL, model.entity, _field(alias), to_micros(moment))).fetchone()
    return None if found is None or found[0] is None else int(found[0])


def put(tx: Connection, model: Registered, alias: str, number: int, hand: Hand, reason: str = "") -> None:
    """Have an alias point at the version of a number, which there is."""
    before = find(tx, model, alias)
    if before == number:
        return
    execute(
        tx,
        "INSERT INTO registered_alias (model_id, alias, number, at, actor) VALUES (?, ?, ?, ?, ?) "
        "ON CONFLICT (model_id, alias) DO UPDATE "
        "SET number = excluded.number, at = excluded.at, actor = excluded.actor",
        (model.id, alias, number, to_micros(hand.at), hand.actor),
    )
    was = None if before is None else str(before)
    changes.add(tx, hand, [Change(MODEL, model.entity, _field(alias), was, str(number), reason)])


def remove(tx: Connection, model: Registered, alias: str, hand: Hand) -> None:
    """Have an alias point at nothing."""
    before = find(tx, model, alias)
    if before is not None:
        _remove(tx, model.id, [alias], before, hand)


def drop(tx: Connection, model_id: int, number: int, hand: Hand) -> None:
    """Have no alias point at the version of a number."""
    sql = "SELECT alias FROM registered_alias WHERE model_id = ? AND number = ? ORDER BY alias"
    found = [alias for (alias,) in execute(tx, sql, (model_id, number))]
    if found:
        _remove(tx, model_id, found, number, hand)


def _remove(tx: Connection, model_id: int, names: Sequence[str], number: int, hand: Hand) -> None:
    clause, bound = within(tx, "alias", names)
    execute(tx, f"DELETE FROM registered_alias WHERE model_id = ? AND {clause}", (model_id, bound))
    changes.add(tx, hand, [Change(MODEL, str(model_id), _field(alias), str(number), None) for alias in names])


def _field(alias: str) -> str:
    return f"alias:{alias}"
