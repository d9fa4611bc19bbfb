"""Logged models: what runs read and made."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection

from argosy.store.rows import execute, execute_many, within

IN, OUT = "in", "out"


def flow(tx: Connection, run_id: int, direction: str, models: Sequence[tuple[str, int]]) -> None:
    """Record that a run read or made logged models, each at a step."""
    execute_many(
        tx,
        "INSERT INTO logged_flow (run_id, direction, model, step) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
        [(run_id, direction, model, step) for model, step in models],
    )


def flows(conn: Connection, run_ids: Iterable[int]) -> dict[int, list[tuple[str, str, int]]]:
    """(direction, model, step) of what runs read and made, by run."""
    clause, bound = within(conn, "run_id", run_ids)
    sql = f"SELECT run_id, direction, model, step FROM logged_flow WHERE {clause} ORDER BY run_id, step, model"
    found: dict[int, list[tuple[str, str, int]]] = {}
    for run_id, *rest in execute(conn, sql, (bound,)):
        found.setdefault(run_id, []).append((rest[0], rest[1], rest[2]))
    return found
