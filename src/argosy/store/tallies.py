"""Tallies: what the calls of a run came to, summed up in SQL, however many elements its nodes have."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import BigInteger, Connection, Select, Subquery, case, func, select, type_coerce

from argosy.store import calls, schema
from argosy.store.calls import CACHED, EXECUTED, FAILED
from argosy.store.codec import from_micros
from argosy.store.edges import OUT
from argosy.store.rows import among

_CALL, _EXECUTION, _EDGE, _ARTIFACT = schema.call.c, schema.execution.c, schema.edge.c, schema.artifact.c


class Failure(msgspec.Struct, frozen=True):
    """A call that failed; `execution_id` is None where its arguments were wrong and nothing was executed."""

    element: int
    reason: str
    execution_id: int | None


class Tally(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a node: its calls by state, from the first beginning to the last end, and what it cost.

    The times are those of the last word on each of its calls; the cost is that of all that the run executed, attempts
    that failed before it was continued too. `bytes` are those of the artifacts that it made.
    """

    counts: dict[str, int] = {}
    started_at: datetime | None = None
    ended_at: datetime | None = None
    cpu_s: float = 0.0
    wall_s: float = 0.0
    peak_bytes: int = 0
    bytes: int = 0
    failure: Failure | None = None


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """One call of a node, or several that began close together: when they were at work, and how many came to what."""

    started_at: datetime
    ended_at: datetime
    count: int
    cached: int
    failed: int


def of(conn: Connection, run_id: int) -> dict[str, Tally]:
    """The tally of each node of a run that anything came of; four queries."""
    made: dict[str, dict[str, Any]] = {}
    for node, state, count, start, stop in conn.execute(_states(run_id)):
        each = made.setdefault(node, {"counts": {}, "started_at": start, "ended_at": stop})
        each["counts"][state] = count
        each["started_at"], each["ended_at"] = min(each["started_at"], start), max(each["ended_at"], stop)
    spent = _spent(run_id)
    costs = select(
        spent.c.node, func.sum(_EXECUTION.cpu_s), func.sum(_EXECUTION.wall_s), func.max(_EXECUTION.peak_bytes)
    ).join_from(spent, schema.execution, _EXECUTION.id == spent.c.execution_id)
    for node, cpu, wall, peak in conn.execute(costs.group_by(spent.c.node)):
        made[node] |= {"cpu_s": float(cpu or 0), "wall_s": float(wall or 0), "peak_bytes": int(peak or 0)}
    out = (_EDGE.execution_id == spent.c.execution_id) & (_EDGE.direction == OUT) & (_EDGE.kind == "artifact")
    sizes = select(spent.c.node, func.sum(_ARTIFACT.bytes)).join_from(spent, schema.edge, out)
    sizes = sizes.join(schema.artifact, _ARTIFACT.digest == _EDGE.reference).group_by(spent.c.node)
    for node, size in conn.execute(sizes):
        made[node]["bytes"] = int(size)
    for node, failure in _failures(conn, run_id).items():
        made[node]["failure"] = failure
    return {node: Tally(**each) for node, each in made.items()}


def spans(conn: Connection, run_id: int, *, most: int = 100) -> dict[str, list[Span]]:
    """The calls of each node in time: one by one where there are at most `most`, else in so many groups; one query.

    Groups are of equal shares of the time between the first beginning and the last end of the run's calls. Calls that
    were skipped are left out.
    """
    timed = _timed(run_id).where(_CALL.state.in_([EXECUTED, CACHED, FAILED])).subquery()
    low, high = conn.execute(select(func.min(timed.c.start), func.max(timed.c.stop))).one()
    if low is None:
        return {}
    width = max(1, -((low - high) // most))
    size = func.count().over(partition_by=timed.c.node)
    group = case((size <= most, timed.c.element), else_=(timed.c.start - low) // width).label("place")
    each = select(timed, group).subquery().c
    query = select(
        each.node, func.min(each.start), func.max(each.stop), func.count(),
        func.sum(case((each.state == CACHED, 1), else_=0)), func.sum(case((each.state == FAILED, 1), else_=0)),
    ).group_by(each.node, each.place).order_by(each.node, func.min(each.start))  # fmt: skip
    found: dict[str, list[Span]] = {}
    for node, start, stop, count, cached, failed in conn.execute(query):
        begun, over = from_micros(start), from_micros(stop)
        assert begun is not None and over is not None
        span = Span(started_at=begun, ended_at=over, count=count, cached=int(cached), failed=int(failed))
        found.setdefault(node, []).append(span)
    return found


def metrics(conn: Connection, run_id: int) -> dict[tuple[str, int], dict[str, float]]:
    """What the calls of a run logged in numbers, those that were cached too, by node and element; one query."""
    query = select(_CALL.node, _CALL.element, _EXECUTION.metrics).where(_CALL.id.in_(calls.last(run_id)))
    query = query.join_from(schema.call, schema.execution, _EXECUTION.id == _CALL.execution_id)
    some = query.where(_EXECUTION.metrics != {}).order_by(_CALL.node, _CALL.element)
    return {(node, element): logged for node, element, logged in conn.execute(some)}


def continued(conn: Connection, run_ids: Iterable[int], running: Iterable[int]) -> dict[int, datetime]:
    """When runs that had ended were taken up again, the last time, by the first thing that they did then; one query.

    Those that are `running` have been taken up after their last ending, others before it. What had been begun before
    an ending may land after it, and does not count.
    """
    c = schema.ending.c
    wanted = among(c.run_id, run_ids)
    last = select(func.max(c.id)).where(wanted).group_by(c.run_id)
    before = select(c.run_id, func.max(c.at).label("at")).where(wanted, c.id.not_in(last) | among(c.run_id, running))
    each = before.group_by(c.run_id).subquery()
    ran = _CALL.state.in_([EXECUTED, FAILED]) & _EXECUTION.id.is_not(None)
    began = case((ran, _EXECUTION.started_at), else_=_CALL.at)
    query = select(_CALL.run_id, func.min(began)).join_from(each, schema.call, each.c.run_id == _CALL.run_id)
    query = query.join(schema.execution, _EXECUTION.id == _CALL.execution_id, isouter=True)
    return {run: at for run, at in conn.execute(query.where(began > each.c.at).group_by(_CALL.run_id))}


def _states(run_id: int) -> Select[Any]:
    timed = _timed(run_id).subquery().c
    start, stop = (type_coerce(each, _CALL.at.type) for each in (func.min(timed.start), func.max(timed.stop)))
    return select(timed.node, timed.state, func.count(), start, stop).group_by(timed.node, timed.state)


def _timed(run_id: int) -> Select[Any]:
    """The last word on each call: its node, element, state, and from when to when, in microseconds."""
    ran = _CALL.state.in_([EXECUTED, FAILED]) & _EXECUTION.id.is_not(None)
    start, stop = (
        type_coerce(case((ran, at), else_=_CALL.at), BigInteger) for at in (_EXECUTION.started_at, _EXECUTION.ended_at)
    )
    query = select(_CALL.node, _CALL.element, _CALL.state, start.label("start"), stop.label("stop"))
    query = query.join_from(schema.call, schema.execution, _EXECUTION.id == _CALL.execution_id, isouter=True)
    return query.where(_CALL.id.in_(calls.last(run_id)))


def _spent(run_id: int) -> Subquery:
    """The executions that a run paid for, each under the node that it was for first."""
    ran = _CALL.state.in_([EXECUTED, FAILED]) & _CALL.execution_id.is_not(None)
    query = select(_CALL.execution_id, func.min(_CALL.node).label("node")).where(_CALL.run_id == run_id, ran)
    return query.group_by(_CALL.execution_id).subquery()


def _failures(conn: Connection, run_id: int) -> dict[str, Failure]:
    """The first call of each node that failed and was not done since."""
    lost = _CALL.id.in_(calls.last(run_id)) & (_CALL.state == FAILED)
    first = select(func.min(_CALL.id)).where(lost).group_by(_CALL.node)
    query = select(_CALL.node, _CALL.element, _CALL.reason, _CALL.execution_id).where(_CALL.id.in_(first))
    return {node: Failure(*rest) for node, *rest in conn.execute(query)}
