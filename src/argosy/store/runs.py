"""Runs of pipelines: what was asked for, and how each came to an end. That one is at work is a live lease."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, and_, func, or_, select

from argosy.store import leases, schema
from argosy.store.rows import Row, among, columns, fetch, insert

_RUN, _ENDING = schema.run, schema.ending
SUCCEEDED, FAILED, CANCELLED = "succeeded", "failed", "cancelled"
RUNNING, INTERRUPTED = "running", "interrupted"
LEASE = "run/"
STARTED = "run.started"
"""The kind of the event of a run that begins."""


class NewRun(Row, frozen=True, kw_only=True):
    """A run that begins.

    `key` is the content address of what is asked for: pipeline, code, parameters and inputs. `inputs` are the datasets
    that it reads, each at a version; `body` is its graph and what its code was. `due_at` is the scheduled time, if any.
    """

    pipeline: str
    key: str
    at: datetime
    actor: str
    cause: str
    bundle: str | None = None
    parameters: dict[str, Any] = msgspec.field(default_factory=dict)
    inputs: dict[str, Any] = msgspec.field(default_factory=dict)
    body: dict[str, Any] = msgspec.field(default_factory=dict)
    due_at: datetime | None = None


class Run(NewRun, frozen=True, kw_only=True):
    """A recorded one."""

    id: int

    @property
    def lease(self) -> str:
        """The name of the lease that whoever works on it holds."""
        return f"{LEASE}{self.id}"


class Latest(Row, frozen=True, kw_only=True):
    """The last run of a pipeline, and the latest scheduled time that any run of it was for."""

    id: int
    pipeline: str
    at: datetime
    due_at: datetime | None
    inputs: dict[str, Any]
    parameters: dict[str, Any]


class Unended(Row, frozen=True, kw_only=True):
    """A run without any ending."""

    id: int
    pipeline: str


class Ended(Row, frozen=True, kw_only=True):
    """How a run of a pipeline ended, with the id of the ending."""

    id: int
    run_id: int
    pipeline: str
    at: datetime
    outcome: str
    reason: str


class NewEnding(Row, frozen=True, kw_only=True):
    """That a run ended, or was to be cancelled; `body` counts its calls and names its results."""

    run_id: int
    at: datetime
    outcome: str
    actor: str
    reason: str = ""
    body: dict[str, Any] = msgspec.field(default_factory=dict)


class Ending(NewEnding, frozen=True, kw_only=True):
    """A recorded one; a run that was tried again has several, and the last counts."""

    id: int


def begin(tx: Connection, run: NewRun) -> Run:
    """Record a run."""
    (id,) = insert(tx, _RUN, [run])
    return Run(id=id, **msgspec.structs.asdict(run))


def end(tx: Connection, endings: Sequence[NewEnding]) -> list[int]:
    """Record how runs ended."""
    return insert(tx, _ENDING, endings)


def get(conn: Connection, id: int) -> Run | None:
    """The run of an id."""
    return next(iter(fetch(conn, columns(_RUN, Run).where(_RUN.c.id == id), Run)), None)


def some(conn: Connection, ids: Iterable[int]) -> list[Run]:
    """The runs of some ids."""
    return fetch(conn, columns(_RUN, Run).where(among(_RUN.c.id, ids)), Run)


def latest(conn: Connection, pipeline: str | None = None, *, limit: int = 1, before: int | None = None) -> list[Run]:
    """The last runs, of one pipeline if given and with an id below `before`, newest first."""
    query = columns(_RUN, Run).order_by(_RUN.c.id.desc()).limit(limit)
    if pipeline is not None:
        query = query.where(_RUN.c.pipeline == pipeline)
    if before is not None:
        query = query.where(_RUN.c.id < before)
    return fetch(conn, query, Run)


def of_key(conn: Connection, key: str) -> Run | None:
    """The last run that was asked for the same."""
    query = columns(_RUN, Run).where(_RUN.c.key == key).order_by(_RUN.c.id.desc()).limit(1)
    return next(iter(fetch(conn, query, Run)), None)


def lately(conn: Connection, after: int = 0) -> list[Latest]:
    """The last run of each pipeline that has one with an id above `after`; one query."""
    c = _RUN.c
    last = select(func.max(c.id).label("id"), func.max(c.due_at).label("due_at")).where(c.id > after)
    found = last.group_by(c.pipeline).subquery().c
    query = select(c.id, c.pipeline, c.at, found.due_at, c.inputs, c.parameters).order_by(c.id)
    return fetch(conn, query.join_from(_RUN, found.id.table, c.id == found.id), Latest)


def unended(conn: Connection, after: int = 0, also: Iterable[int] = ()) -> list[Unended]:
    """Runs without any ending, oldest first: they are at work, or whoever worked on them was killed.

    Only those with an id above `after`, or among `also`, are looked at.
    """
    ended = select(_ENDING.c.run_id).where(_ENDING.c.run_id == _RUN.c.id).exists()
    asked = or_(_RUN.c.id > after, among(_RUN.c.id, also))
    return fetch(conn, columns(_RUN, Unended).where(asked, ~ended).order_by(_RUN.c.id), Unended)


def endings(conn: Connection, run_ids: Iterable[int]) -> dict[int, Ending]:
    """The last ending of each of some runs that has one."""
    c = _ENDING.c
    last = select(func.max(c.id)).where(among(c.run_id, run_ids)).group_by(c.run_id)
    return {each.run_id: each for each in fetch(conn, columns(_ENDING, Ending).where(c.id.in_(last)), Ending)}


def failing(conn: Connection, actor: str, after: int = 0) -> list[Ended]:
    """Of each pipeline the last ending that succeeded, and those since that failed of runs which `actor` began.

    Only endings with an id above `after` are looked at; oldest first, one query.
    """
    c, r = _ENDING.c, _RUN.c
    both, new = _ENDING.join(_RUN, r.id == c.run_id), c.id > after
    last = select(r.pipeline, func.max(c.id).label("id")).select_from(both).where(new, c.outcome == SUCCEEDED)
    good = last.group_by(r.pipeline).subquery()
    failed = and_(c.outcome == FAILED, r.actor == actor, c.id > func.coalesce(good.c.id, 0))
    query = select(c.id, c.run_id, r.pipeline, c.at, c.outcome, c.reason).where(new, or_(c.id == good.c.id, failed))
    joined = both.outerjoin(good, good.c.pipeline == r.pipeline)
    return fetch(conn, query.select_from(joined).order_by(c.id), Ended)


def history(conn: Connection, run_id: int) -> list[Ending]:
    """All endings of a run, oldest first."""
    return fetch(conn, columns(_ENDING, Ending).where(_ENDING.c.run_id == run_id).order_by(_ENDING.c.id), Ending)


def touched(conn: Connection, run_id: int) -> bool:
    """Whether anything came of a run yet."""
    return conn.execute(select(schema.call.c.id).where(schema.call.c.run_id == run_id).limit(1)).first() is not None


def states(conn: Connection, run_ids: Iterable[int], now: datetime) -> dict[int, str]:
    """What is true of each run: running, succeeded, failed, cancelled or interrupted; `now` is the machine's time."""
    wanted = list(run_ids)
    live = {lease.name for lease in leases.live(conn, now, LEASE)}
    ended = endings(conn, wanted)
    return {
        id: RUNNING if f"{LEASE}{id}" in live else ended[id].outcome if id in ended else INTERRUPTED for id in wanted
    }
