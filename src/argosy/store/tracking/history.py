"""The history of one thing: who made it, and who set what of it when, from what, to what and why.

What was set once and never changed has no change of its own; whoever set it is told from the value.
"""

from __future__ import annotations

from sqlalchemy import Connection

from argosy.store.codec import EPOCH, from_micros
from argosy.store.rows import execute
from argosy.store.tracking import changes
from argosy.store.tracking.changes import EXPERIMENT, RUN, Past
from argosy.store.tracking.experiments import Experiment
from argosy.store.tracking.runs import Run

CREATED = "created"


def of_run(conn: Connection, run: Run, limit: int = 1000) -> list[Past]:
    """That of a run, newest first: its parameters and tags, name, status, and whether it is in the trash."""
    found = changes.of(conn, RUN, run.run, limit)
    sql = (
        "SELECT at, actor, 'created', name FROM tracked WHERE id = ? UNION ALL "
        "SELECT at, actor, 'parameter:' || key, value FROM parameter WHERE run_id = ? UNION ALL "
        "SELECT at, actor, 'tag:' || key, value FROM tag WHERE run_id = ? ORDER BY 1 DESC LIMIT ?"
    )
    return _whole(RUN, run.run, found, execute(conn, sql, (run.id, run.id, run.id, limit)).fetchall(), limit)


def of_experiment(conn: Connection, experiment: Experiment, limit: int = 1000) -> list[Past]:
    """That of an experiment, newest first: its name and tags, and whether it is in the trash."""
    entity = str(experiment.id)
    found = changes.of(conn, EXPERIMENT, entity, limit)
    sql = "SELECT at, actor, 'created', name FROM experiment WHERE id = ?"
    once = execute(conn, sql, (experiment.id,)).fetchall() + _labels(conn, EXPERIMENT, entity, limit)
    return _whole(EXPERIMENT, entity, found, once, limit)


def _labels(conn: Connection, kind: str, entity: str, limit: int) -> list[tuple[int, str, str, str]]:
    sql = "SELECT at, actor, 'tag:' || key, value FROM label WHERE kind = ? AND entity = ? ORDER BY at DESC LIMIT ?"
    rows: list[tuple[int, str, str, str]] = execute(conn, sql, (kind, entity, limit)).fetchall()
    return rows


def _whole(
    kind: str, entity: str, found: list[Past], once: list[tuple[int, str, str, str]], limit: int
) -> list[Past]:
    """Changes, and of what was set once that it was; of the same moment, what was made first comes last."""
    changed = {each.field for each in found}
    told = [
        Past(0, from_micros(at) or EPOCH, actor, kind, entity, field, None, value, "")
        for at, actor, field, value in once
        if field not in changed
    ]
    return sorted([*found, *told], key=lambda each: (each.at, each.field != CREATED, each.id), reverse=True)[:limit]
