"""Metrics of logged models: every value that runs logged of them, each on a dataset or on none."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import Connection

from argosy.errors import UnknownError
from argosy.store.rows import execute, execute_many, within
from argosy.store.tracking.metrics import Point


class Reading(NamedTuple):
    """A metric of a logged model, by the run that logged it, on a dataset ("" for none)."""

    model: str
    run: str
    dataset: str
    digest: str
    point: Point


def log(tx: Connection, given: Sequence[Reading]) -> None:
    """Keep values; what is logged twice counts once. Raises UnknownError for a model that is not."""
    names = {each.model for each in given}
    clause, bound = within(tx, "model", names)
    ids = dict(execute(tx, f"SELECT model, id FROM logged WHERE {clause}", (bound,)).fetchall())
    if absent := names - ids.keys():
        raise UnknownError(f"Logged model with ID '{min(absent)[:300]}' not found", next="create it first")
    execute_many(
        tx,
        "INSERT INTO logged_metric (logged_id, key, run, dataset, digest, value, step, at_ms) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (logged_id, key, run, dataset, digest, step, at_ms) DO UPDATE "
        "SET value = excluded.value",
        [_row(ids[each.model], each) for each in given],
    )


def of(conn: Connection, logged_ids: Iterable[int]) -> dict[int, list[Reading]]:
    """The metrics of logged models, by their ids."""
    clause, bound = within(conn, "m.logged_id", logged_ids)
    sql = (
        "SELECT m.logged_id, l.model, m.run, m.dataset, m.digest, m.key, m.value, m.step, m.at_ms FROM logged_metric m "
        f"JOIN logged l ON l.id = m.logged_id WHERE {clause} ORDER BY m.logged_id, m.key, m.at_ms, m.step"
    )
    found: dict[int, list[Reading]] = {}
    for id, model, run, dataset, digest, key, value, step, at in execute(conn, sql, (bound,)):
        point = Point(key, float("nan") if value is None else value, step, at)
        found.setdefault(id, []).append(Reading(model, run, dataset, digest, point))
    return found


def _row(id: int, each: Reading) -> tuple[object, ...]:
    p = each.point
    value = None if p.value != p.value else p.value
    return id, p.key, each.run, each.dataset, each.digest, value, p.step, p.at
