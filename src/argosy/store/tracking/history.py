"""The history of one thing: who made it, and who set what of it when, from what, to what and why.

That something was set has no change of its own as long as it is there; whoever set it is told from the value.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection

from argosy.store.codec import EPOCH, from_micros
from argosy.store.rows import execute, within
from argosy.store.tracking import changes
from argosy.store.tracking.changes import EXPERIMENT, MODEL, RUN, VERSION, Past

CREATED = "created"
Set = tuple[str, int, str, str, str | None]
"""Of what, when, by whom, which field, to what."""


def of_run(conn: Connection, run: str, limit: int = 1000) -> list[Past]:
    """That of the run of a name, newest first: parameters, tags, name, status, and whether it is in the trash."""
    each = "SELECT r.run, t.at, t.actor, '{0}:' || t.key, t.value FROM {0} t JOIN tracked r ON r.id = t.run_id "
    sql = (
        "SELECT run, at, actor, 'created', name FROM tracked WHERE run = ? "
        f"UNION ALL {each.format('parameter')} WHERE r.run = ? UNION ALL {each.format('tag')} WHERE r.run = ? "
        "ORDER BY 2 DESC, 4 LIMIT ?"
    )
    found = changes.of(conn, RUN, run, limit)
    return _newest([*found, *_once(RUN, execute(conn, sql, (run, run, run, limit)).fetchall(), found)], limit)


def of_experiment(conn: Connection, id: int, limit: int = 1000) -> list[Past]:
    """That of the experiment of an id, newest first: its name and tags, and whether it is in the trash."""
    sql = "SELECT CAST(id AS TEXT), at, actor, 'created', name FROM experiment WHERE id = ?"
    return _newest(_of(conn, EXPERIMENT, execute(conn, sql, (id,)).fetchall(), limit), limit)


def of_model(conn: Connection, id: int, limit: int = 1000) -> list[Past]:
    """That of the registered model of an id and of its versions, newest first: names, descriptions, aliases, stages,
    tags, the trash. What is of the version 3 has a field that begins with `@3 `."""
    sql = "SELECT CAST(id AS TEXT), at, actor, 'created', name FROM registered WHERE id = ?"
    found = _of(conn, MODEL, execute(conn, sql, (id,)).fetchall(), limit)
    sql = (
        "SELECT CAST(id AS TEXT), at, actor, 'created', source, number FROM registered_version WHERE model_id = ? "
        "ORDER BY id DESC LIMIT ?"
    )
    rows = execute(conn, sql, (id, limit)).fetchall()
    numbers = {entity: number for entity, *_, number in rows}
    made = _of(conn, VERSION, [row[:5] for row in rows], limit)
    return _newest([*found, *(each._replace(field=f"@{numbers[each.entity]} {each.field}") for each in made)], limit)


def _of(conn: Connection, kind: str, created: Sequence[Set], limit: int) -> list[Past]:
    """That of things with labels."""
    entities = [row[0] for row in created]
    found = changes.among(conn, kind, entities, limit)
    clause, bound = within(conn, "entity", entities)
    sql = f"SELECT entity, at, actor, 'tag:' || key, value FROM label WHERE kind = ? AND {clause}"
    labelled: list[Any] = execute(conn, f"{sql} ORDER BY at DESC LIMIT ?", (kind, bound, limit)).fetchall()
    return [*found, *_once(kind, [*created, *labelled], found)]


def _once(kind: str, rows: Sequence[Set], found: Sequence[Past]) -> list[Past]:
    """That values were set which are there: each to what the first change since then, if there is one, found."""
    first: dict[tuple[str, str], str | None] = {}
    removed: set[tuple[str, str]] = set()
    for each in found:
        what = each.entity, each.field
        if each.after is None:
            removed.add(what)
        elif what not in removed:
            first[what] = each.before
    return [
        Past(0, from_micros(at) or EPOCH, actor, kind, entity, field, None, first.get((entity, field), value), "")
        for entity, at, actor, field, value in rows
    ]


def _newest(found: Sequence[Past], limit: int) -> list[Past]:
    """The newest; of the same moment, what was made comes after what was done to it."""
    return sorted(found, key=lambda each: (each.at, not each.field.endswith(CREATED), each.id), reverse=True)[:limit]
