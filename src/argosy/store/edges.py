"""Edges: what an execution read and what it made."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection

from argosy.store import schema
from argosy.store.rows import Row, among, columns, fetch, insert

_TABLE = schema.edge
IN, OUT = "in", "out"
LIST = "list"
"""The kind of a list of artifacts, and of the execution that has no other end than to make one of them."""


class Edge(Row, frozen=True, kw_only=True):
    """`reference` names a thing of `kind` ("dataset", "flights@3"); `direction` is "in" (read) or "out" (made)."""

    execution_id: int
    direction: str
    kind: str
    reference: str


def add(tx: Connection, edges: Sequence[Edge]) -> None:
    """Record edges; the same edge twice is one edge."""
    insert(tx, _TABLE, edges, ignore=True)


def of(conn: Connection, execution_ids: Iterable[int], direction: str | None = None) -> list[Edge]:
    """All edges of some executions, or those of a direction."""
    c = _TABLE.c
    query = columns(_TABLE, Edge).where(among(c.execution_id, execution_ids))
    if direction is not None:
        query = query.where(c.direction == direction)
    return fetch(conn, query.order_by(c.execution_id, c.direction, c.kind, c.reference), Edge)


def at(conn: Connection, kind: str, references: Iterable[str], direction: str, *, limit: int) -> list[Edge]:
    """Edges of a direction at things: who made them ("out") or read them ("in"), the latest executions first."""
    c = _TABLE.c
    mine = among(c.reference, references) & (c.kind == kind) & (c.direction == direction)
    return fetch(conn, columns(_TABLE, Edge).where(mine).order_by(c.execution_id.desc()).limit(limit), Edge)
