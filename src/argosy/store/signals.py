"""Signals: the values that conditions ask for. The latest of a member and name counts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from numbers import Real
from typing import Any

from sqlalchemy import Connection, func, select

from argosy.errors import InputError
from argosy.store import current, schema
from argosy.store.rows import Row, among, columns, fetch, insert

_TABLE, _CURRENT = schema.signal, schema.current


class NewSignal(Row, frozen=True, kw_only=True):
    """A value (None or not finite: not known) of a member's signal at a time."""

    fleet: str
    member_id: int
    name: str
    value: float | None
    at: datetime
    body: dict[str, Any] | None = None


class Signal(NewSignal, frozen=True, kw_only=True):
    """A recorded value."""

    id: int


def record(tx: Connection, signals: Sequence[NewSignal]) -> list[int]:
    """Record values, in order; one that is not finite counts as not known.

    Raises `InputError` for what is no number: all members of a fleet are read at once.
    """
    for each in signals:
        if not (each.value is None or isinstance(each.value, Real)):
            raise InputError(
                f"signal {each.name!r} of member {each.member_id} of {each.fleet} is {each.value!r:.60}, no number",
                next="record a number, or None where it is not known",
            )
    ids = insert(tx, _TABLE, signals)
    current.signalled(tx, signals)
    return ids


def latest(conn: Connection, fleet: str) -> dict[int, dict[str, float | None]]:
    """The latest value of every signal of every member of a fleet, by member id and name."""
    query = select(_CURRENT.c.member_id, _CURRENT.c.signals).where(_CURRENT.c.fleet == fleet)
    return {member: values for member, values in conn.execute(query)}


def history(conn: Connection, member_id: int, name: str, limit: int = 100) -> list[Signal]:
    """A member's values of one signal, newest first."""
    c = _TABLE.c
    query = columns(_TABLE, Signal).where(c.member_id == member_id, c.name == name)
    return fetch(conn, query.order_by(c.id.desc()).limit(limit), Signal)


def bodies(conn: Connection, name: str, member_ids: Iterable[int]) -> dict[int, dict[str, Any]]:
    """The body of the latest value of one signal, for those of some members that have one."""
    c = _TABLE.c
    mine = (c.name == name) & among(c.member_id, member_ids)
    last = select(func.max(c.id)).where(mine).group_by(c.member_id)
    rows = conn.execute(select(c.member_id, c.body).where(c.id.in_(last)))
    return {member: body for member, body in rows if body is not None}
