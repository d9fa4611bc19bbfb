"""Calls that are at work: what the process that drives their run said last, for people; nothing is decided by it.

Rows count while the lease of their run is live under the token that they were written with: what a killed process left
is nobody's word.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, Text, cast, delete, literal, select

from argosy.store import schema
from argosy.store.rows import Row, columns, fetch, insert
from argosy.store.runs import LEASE

_TABLE = schema.underway


class Underway(Row, frozen=True, kw_only=True):
    """A call that is at work. It wrote `written` bytes so far, of which `tail` are the last; `token` is its lease's."""

    run_id: int
    node: str
    element: int
    token: int
    started_at: datetime
    written: int
    tail: bytes


def say(tx: Connection, run_id: int, found: Sequence[Underway]) -> None:
    """These calls of a run are at work, and no others."""
    tx.execute(delete(_TABLE).where(_TABLE.c.run_id == run_id))
    insert(tx, _TABLE, found)


def of_run(
    conn: Connection, run_id: int, now: datetime, *, node: str | None = None, element: int | None = None
) -> list[Underway]:
    """The calls of a run that are at work, of one node or element if asked for, those first that began first.

    Left out is what came to an end since.
    """
    c, lease, call = _TABLE.c, schema.lease.c, schema.call.c
    name = literal(LEASE) + cast(c.run_id, Text)
    held = select(lease.name).where(lease.name == name, lease.token == c.token, lease.expires_at > now).exists()
    mine = (call.run_id == c.run_id) & (call.node == c.node) & (call.element == c.element)
    ended = select(call.id).where(mine, call.at >= c.started_at).exists()
    query = columns(_TABLE, Underway).where(c.run_id == run_id, held, ~ended)
    for column, wanted in ((c.node, node), (c.element, element)):
        if wanted is not None:
            query = query.where(column == wanted)
    return fetch(conn, query.order_by(c.started_at, c.node, c.element), Underway)
