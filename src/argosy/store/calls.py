"""Calls: what came of each step of a run, of each element where it is mapped. The last of a place counts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import Connection, Select, func, select

from argosy.store import schema
from argosy.store.rows import Row, among, columns, fetch, insert

_TABLE = schema.call
EXECUTED, CACHED, FAILED, SKIPPED = "executed", "cached", "failed", "skipped"
WHOLE = -1
"""The element of a call that is not mapped."""


class NewCall(Row, frozen=True, kw_only=True):
    """`execution_id` is the execution that made its result, here or in an earlier run; None where it was skipped."""

    run_id: int
    node: str
    state: str
    at: datetime
    element: int = WHOLE
    execution_id: int | None = None
    reason: str = ""


class Call(NewCall, frozen=True, kw_only=True):
    """A recorded one."""

    id: int


def add(tx: Connection, calls: Sequence[NewCall]) -> list[int]:
    """Record what came of calls."""
    return insert(tx, _TABLE, calls)


def last(*run_ids: int) -> Select[tuple[int]]:
    """The ids of the last words on the calls of runs. One on a whole node counts until its elements have theirs."""
    c, later = _TABLE.c, _TABLE.alias().c
    element = (later.run_id == c.run_id) & (later.node == c.node) & (later.element != WHOLE) & (later.id > c.id)
    begun = select(later.id).where(element).correlate(_TABLE).exists()
    mine = c.run_id.in_(run_ids) & ((c.element != WHOLE) | ~begun)
    return select(func.max(c.id)).where(mine).group_by(c.run_id, c.node, c.element)


def of(
    conn: Connection, run_id: int, *, node: str | None = None, element: int | None = None,
    states: Iterable[str] | None = None, limit: int | None = None,
) -> list[Call]:  # fmt: skip
    """The calls of a run, in order of their last word; of one node, one element, or in some states, if given."""
    c, found = _TABLE.c, last(run_id)
    if node is not None:
        found = found.where(c.node == node)
    if element is not None:
        found = found.where(c.element == element)
    query = columns(_TABLE, Call).where(c.id.in_(found)).order_by(c.id)
    if states is not None:
        query = query.where(c.state.in_(list(states)))
    return fetch(conn, query if limit is None else query.limit(limit), Call)


def ranked(conn: Connection, run_id: int, node: str, *, limit: int, offset: int = 0) -> list[Call]:
    """The calls of a node, those that failed first, then by element; `limit` of them from `offset` on."""
    c = _TABLE.c
    mine = c.id.in_(last(run_id).where(c.node == node))
    query = columns(_TABLE, Call).where(mine).order_by((c.state != FAILED), c.element)
    return fetch(conn, query.limit(limit).offset(offset), Call)


def superseded(conn: Connection, run_id: int, state: str) -> list[Call]:
    """The calls of a run that came to a state, and to another one when it was continued, oldest first."""
    c = _TABLE.c
    mine = (c.run_id == run_id) & (c.state == state) & c.id.not_in(last(run_id))
    return fetch(conn, columns(_TABLE, Call).where(mine).order_by(c.id), Call)


def reasons(conn: Connection, run_id: int, state: str) -> set[str]:
    """Why calls of a run came to a state, those too that came to another one when it was continued."""
    c = _TABLE.c
    return set(conn.execute(select(c.reason).where(c.run_id == run_id, c.state == state)).scalars())


def user(conn: Connection, execution_id: int) -> int | None:
    """The last run that used an execution."""
    c = _TABLE.c
    found: int | None = conn.execute(select(func.max(c.run_id)).where(c.execution_id == execution_id)).scalar()
    return found


def counts(conn: Connection, run_ids: Sequence[int]) -> dict[int, dict[str, dict[str, int]]]:
    """How many calls of each node came to which state: run -> node -> state -> count; one query."""
    c = _TABLE.c
    mine = c.id.in_(last(*run_ids))
    query = select(c.run_id, c.node, c.state, func.count()).where(mine).group_by(c.run_id, c.node, c.state)
    found: dict[int, dict[str, dict[str, int]]] = {}
    for run, node, state, count in conn.execute(query):
        found.setdefault(run, {}).setdefault(node, {})[state] = count
    return found


def first(conn: Connection, execution_ids: Iterable[int]) -> dict[int, Call]:
    """For each of some executions, the first call that it was for: that of the run which paid for it."""
    c = _TABLE.c
    known = select(func.min(c.id)).where(among(c.execution_id, execution_ids)).group_by(c.execution_id)
    found = fetch(conn, columns(_TABLE, Call).where(c.id.in_(known)), Call)
    return {call.execution_id: call for call in found if call.execution_id is not None}
