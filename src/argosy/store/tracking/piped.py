"""Runs of pipelines as runs: begun, at work while their lease is live, ended, and ended again once continued."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection

from argosy.store.codec import from_json, to_micros
from argosy.store.rows import execute, within
from argosy.store.runs import LEASE
from argosy.store.tracking import flat, naming, runs
from argosy.store.tracking.draft import Draft
from argosy.store.tracking.executed import NOTE, USER, Code

_FRESH = timedelta(minutes=1)
"""How long after its beginning a run that nobody is at work on, and that has not ended, is about to start."""


class _Run(NamedTuple):
    id: int
    pipeline: str
    key: str
    bundle: str | None
    parameters: str
    inputs: str
    cause: str
    at: int
    actor: str


class _Ending(NamedTuple):
    at: int
    outcome: str
    reason: str
    body: str


def drafts(conn: Connection, ids: Iterable[int], now: datetime) -> dict[int, Draft]:
    """The runs that some runs of pipelines are now, by id; `now` is the machine's time. A few statements."""
    clause, bound = within(conn, "id", ids)
    sql = f"SELECT id, pipeline, key, bundle, parameters, inputs, cause, at, actor FROM run WHERE {clause} ORDER BY id"
    found = [_Run(*row) for row in execute(conn, sql, (bound,))]
    endings, live = _endings(conn, [each.id for each in found]), _live(conn, [each.id for each in found], now)
    code = Code(conn, {each.bundle for each in found if each.bundle})
    fresh = to_micros(now - _FRESH) or 0
    return {each.id: _draft(each, endings.get(each.id), each.id in live, each.at > fresh, code) for each in found}


def _endings(conn: Connection, ids: Iterable[int]) -> dict[int, _Ending]:
    """The last of each."""
    clause, bound = within(conn, "run_id", ids)
    last = f"SELECT max(id) FROM ending WHERE {clause} GROUP BY run_id"
    sql = f"SELECT run_id, at, outcome, reason, body FROM ending WHERE id IN ({last})"
    return {id: _Ending(*row) for id, *row in execute(conn, sql, (bound,))}


def _live(conn: Connection, ids: Iterable[int], now: datetime) -> set[int]:
    clause, bound = within(conn, "name", [f"{LEASE}{id}" for id in ids])
    sql = f"SELECT name FROM lease WHERE {clause} AND expires_at > ?"
    return {int(name.removeprefix(LEASE)) for (name,) in execute(conn, sql, (bound, to_micros(now)))}


def _draft(run: _Run, ending: _Ending | None, live: bool, fresh: bool, code: Code) -> Draft:
    working = live or (ending is None and fresh)
    last = None if working else ending
    status = runs.RUNNING if working else last.outcome if last is not None else runs.CANCELLED
    tags = {
        "argosy.kind": "run", "argosy.subject": run.pipeline, "argosy.key": run.key, "argosy.cause": run.cause,
        USER: run.actor, **code.tags(run.bundle, run.at),
        NOTE: "" if working else "interrupted" if last is None else last.reason,
    }  # fmt: skip
    return Draft(
        naming.of_pipeline(run.id), run.pipeline, f"run {run.id}", status, run.at, last.at if last else None,
        run.actor, metrics=_metrics(run, last), parameters=flat.texts(from_json(run.parameters)),
        tags=tags, inputs=_inputs(from_json(run.inputs)),
    )  # fmt: skip


def _metrics(run: _Run, ending: _Ending | None) -> dict[str, float]:
    """How many of its calls came to what, and how long it took."""
    if ending is None:
        return {}
    counts: Mapping[str, Any] = from_json(ending.body).get("counts", {})
    return flat.numbers({"calls": counts, "wall_s": (ending.at - run.at) / 1e6})


def _inputs(given: Mapping[str, Any]) -> list[str]:
    return [read for read in given.values() if isinstance(read, str) and read.rpartition("@")[2].isdigit()]
