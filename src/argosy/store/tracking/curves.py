"""Metrics of several runs over their steps, read at once."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection

from argosy.store.rows import execute, within
from argosy.store.tracking.metrics import unpack

Place = tuple[int, float]


def of(conn: Connection, run_ids: Iterable[int], keys: Iterable[str]) -> dict[str, dict[int, list[Place]]]:
    """(Step, value) of some metrics, by key and run, in the order of steps and times; one query.

    Of what was logged for one step and time the last counts. Keys and runs without a point are left out.
    """
    clause, bound = within(conn, "run_id", run_ids)
    marks = {key: key.encode() for key in keys}
    values: dict[str, dict[int, dict[tuple[int, int], float]]] = {}
    for run_id, data in execute(conn, f"SELECT run_id, data FROM block WHERE {clause} ORDER BY run_id, id", (bound,)):
        likely = [key for key, mark in marks.items() if mark in data]
        held = unpack(data) if likely else {}
        for key in likely:
            for step, at, value in held.get(key, ()):
                values.setdefault(key, {}).setdefault(run_id, {})[step, at] = value
    return {
        key: {id: [(step, value) for (step, _), value in sorted(points.items())] for id, points in each.items()}
        for key, each in values.items()
    }
