"""How many runs experiments have, and which began last: a query or two, whatever their number."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import Connection

from argosy.store.rows import execute, within
from argosy.store.tracking import runs
from argosy.store.tracking.runs import Run


class Count(NamedTuple):
    """Runs of an experiment: those that are not in the trash, those that are, and of the first the last that began."""

    active: int = 0
    deleted: int = 0
    last: Run | None = None


def of(conn: Connection, experiments: Iterable[int]) -> dict[int, Count]:
    """The counts of some experiments, by id."""
    wanted = list(experiments)
    clause, bound = within(conn, "experiment_id", wanted)
    every = dict(_counts(conn, f"SELECT experiment_id, count(*) FROM tracked WHERE {clause}", bound))
    trash = f"SELECT experiment_id, count(*) FROM tracked WHERE deleted_at IS NOT NULL AND {clause}"
    deleted = dict(_counts(conn, trash, bound))
    among, same = within(conn, "e.id", wanted)
    newest = (
        "SELECT e.id, (SELECT r.id FROM tracked r WHERE r.experiment_id = e.id AND r.deleted_at IS NULL "
        f"ORDER BY r.started_at DESC LIMIT 1) FROM experiment e WHERE {among}"
    )
    last = {id: run for id, run in execute(conn, newest, (same,)) if run is not None}
    known = runs.some(conn, last.values())
    return {
        id: Count(every.get(id, 0) - deleted.get(id, 0), deleted.get(id, 0), known.get(last.get(id, 0)))
        for id in wanted
    }


def _counts(conn: Connection, sql: str, bound: object) -> list[tuple[int, int]]:
    return list(execute(conn, f"{sql} GROUP BY experiment_id", (bound,)))
