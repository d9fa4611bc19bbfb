"""Executions: runs of functions that have ended. What is running now is a lease, not a row here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, func, select

from argosy.store import current, schema
from argosy.store.rows import Row, among, columns, fetch, insert
from argosy.store.store import Store

_TABLE = schema.execution
SUCCEEDED, FAILED, FALLBACK = "succeeded", "failed", "fallback"


class NewExecution(Row, frozen=True, kw_only=True):
    """One run. `key` is the content address of the task; `subject` is whom it was about.

    `member_id` is given only for a run that was to make a version of that member: such runs are
    the member's attempts, and failures in a row are counted from them.
    """

    key: str
    kind: str
    subject: str
    started_at: datetime
    ended_at: datetime
    outcome: str = SUCCEEDED
    reason: str = ""
    member_id: int | None = None
    cpu_s: float | None = None
    wall_s: float | None = None
    peak_bytes: int | None = None
    parameters: dict[str, Any] = msgspec.field(default_factory=dict)
    metrics: dict[str, Any] = msgspec.field(default_factory=dict)
    bundle: str | None = None
    parent_id: int | None = None


class Execution(NewExecution, frozen=True, kw_only=True):
    """A recorded run."""

    id: int


class Done(Row, frozen=True, kw_only=True):
    """As much of a run as tells what it gave."""

    id: int
    key: str
    outcome: str
    ended_at: datetime
    parameters: dict[str, Any]


class Cost(Row, frozen=True, kw_only=True):
    """What recent runs cost: `count` of them, and the mean of each figure (None if never measured)."""

    count: int
    cpu_s: float | None
    wall_s: float | None
    peak_bytes: float | None


def record(tx: Connection, executions: Sequence[NewExecution]) -> list[int]:
    """Record runs that ended; returns their ids in order."""
    ids = insert(tx, _TABLE, executions)
    current.executed(tx, [(id, run) for id, run in zip(ids, executions, strict=True) if run.member_id is not None])
    return ids


def get(conn: Connection, ids: Iterable[int]) -> dict[int, Execution]:
    """The runs among `ids` that exist."""
    found = fetch(conn, columns(_TABLE, Execution).where(among(_TABLE.c.id, ids)), Execution)
    return {run.id: run for run in found}


def finished(conn: Connection, keys: Iterable[str]) -> dict[str, Execution]:
    """For each of `keys` that was ever done, the latest run that did not fail."""
    c = _TABLE.c
    last = select(func.max(c.id)).where(among(c.key, keys), c.outcome != FAILED).group_by(c.key)
    return {run.key: run for run in fetch(conn, columns(_TABLE, Execution).where(c.id.in_(last)), Execution)}


def known(store: Store, keys: Sequence[str]) -> set[str]:
    """Those of a few keys that were ever done: cheap, for keys that are asked for one after another."""
    marks = ", ".join("?" for _ in keys)
    return set(store.peek(f"SELECT key FROM execution WHERE key IN ({marks}) AND outcome <> '{FAILED}'", keys))


def of_run(conn: Connection, run_id: int) -> list[Done]:
    """The executions that a run of a pipeline used, made by it or earlier."""
    used = select(schema.call.c.execution_id).where(schema.call.c.run_id == run_id)
    return fetch(conn, columns(_TABLE, Done).where(_TABLE.c.id.in_(used)), Done)


def of_subject(conn: Connection, subject: str, limit: int = 100) -> list[Execution]:
    """The latest runs about a subject, newest first."""
    query = columns(_TABLE, Execution).where(_TABLE.c.subject == subject).order_by(_TABLE.c.id.desc())
    return fetch(conn, query.limit(limit), Execution)


def latest(conn: Connection, kind: str, subjects: Iterable[str]) -> dict[str, Execution]:
    """The latest run of a kind about each of the subjects that had one."""
    c = _TABLE.c
    last = select(func.max(c.id)).where(among(c.subject, subjects), c.kind == kind).group_by(c.subject)
    return {run.subject: run for run in fetch(conn, columns(_TABLE, Execution).where(c.id.in_(last)), Execution)}


def cost(conn: Connection, kind: str, *, fleet: str | None = None, last: int = 1000) -> Cost:
    """The mean cost of the `last` runs of a kind, of one fleet's members if given."""
    c = _TABLE.c
    recent = select(c.cpu_s, c.wall_s, c.peak_bytes).where(c.kind == kind).order_by(c.id.desc()).limit(last)
    if fleet is not None:
        recent = recent.join(schema.member, schema.member.c.id == c.member_id).where(schema.member.c.fleet == fleet)
    r = recent.subquery().c
    row = conn.execute(select(func.count(), func.avg(r.cpu_s), func.avg(r.wall_s), func.avg(r.peak_bytes))).one()
    mean = [None if value is None else float(value) for value in row[1:]]
    return Cost(count=row[0], cpu_s=mean[0], wall_s=mean[1], peak_bytes=mean[2])
