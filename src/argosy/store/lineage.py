"""Lineage: the neighbourhood of a thing, upstream to what it was made from and downstream to what came of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
from sqlalchemy import Connection, select

from argosy.errors import UsageError
from argosy.store import schema
from argosy.store.edges import IN, LIST, OUT
from argosy.store.rows import among

_TABLE = schema.edge
EXECUTION = "execution"


class Node(msgspec.Struct, frozen=True, order=True):
    """A thing: ("dataset", "flights@3"), or an execution: ("execution", "17")."""

    kind: str
    reference: str


class Link(msgspec.Struct, frozen=True, order=True):
    """Something flowed from `source` to `target`; one of the two is an execution."""

    source: Node
    target: Node


class Graph(msgspec.Struct, frozen=True):
    """A neighbourhood, sorted. `cut` says that more than the limit was there."""

    nodes: list[Node]
    links: list[Link]
    cut: bool


def walk(conn: Connection, start: Node, *, up: int = 3, down: int = 0, limit: int = 1000) -> Graph:
    """All that lies within `up` executions before `start` and `down` after it, at most about `limit` nodes.

    A list stands for its items: that it was made of them is no step. Two statements for each step, two more for lists.
    Raises `UsageError` for negative steps.
    """
    if min(up, down) < 0 or limit < 1:
        raise UsageError(
            f"lineage of {start.reference}: up={up}, down={down}, limit={limit}", next="pass counts from 0"
        )
    nodes, links, cut = {start}, set[Link](), False
    for steps, made, read in ((up, OUT, IN), (down, IN, OUT)):
        frontier, seen = {start}, {start}
        for _ in range(steps):
            reached = set[Node]()
            while frontier and len(seen) <= limit:
                runs, found, flows, more = _step(conn, frontier, made, read, limit)
                links |= flows
                found -= seen
                seen |= found | runs
                cut = cut or more or (len(seen) > limit and bool(found))
                reached |= {node for node in found if node.kind != LIST}
                frontier = found - reached
            frontier = reached
        nodes |= seen
    return Graph(sorted(nodes), sorted(links), cut)


def _step(
    conn: Connection, frontier: set[Node], made: str, read: str, limit: int
) -> tuple[set[Node], set[Node], set[Link], bool]:
    """The executions next to a frontier, what lies beyond them, what flowed, and whether something was cut."""
    touching, cut_here = _edges(conn, frontier, made, limit)
    runs = {Node(EXECUTION, str(run)) for run, _ in touching} | {node for node in frontier if node.kind == EXECUTION}
    further, cut_there = _around(conn, runs, read, limit)
    flows = {_link(run, node, made) for run, node in touching} | {_link(run, node, read) for run, node in further}
    return runs, {node for _, node in further}, flows, cut_here or cut_there


def _edges(conn: Connection, nodes: Iterable[Node], direction: str, limit: int) -> tuple[list[tuple[int, Node]], bool]:
    """Executions that read ("in") or made ("out") any of `nodes`, the latest first, and whether some were cut."""
    c = _TABLE.c
    wanted = set(nodes)
    query = _triples().where(c.direction == direction, among(c.reference, {node.reference for node in wanted}))
    rows = conn.execute(query.order_by(c.execution_id.desc()).limit(limit + 1)).fetchall()
    found = [(run, Node(kind, reference)) for run, kind, reference in rows[:limit]]
    return [(run, node) for run, node in found if node in wanted], len(rows) > limit


def _around(conn: Connection, runs: Iterable[Node], direction: str, limit: int) -> tuple[list[tuple[int, Node]], bool]:
    """What the executions read ("in") or made ("out"), and whether some was cut."""
    c = _TABLE.c
    query = _triples().where(c.direction == direction, among(c.execution_id, [int(run.reference) for run in runs]))
    rows = conn.execute(query.order_by(c.execution_id.desc()).limit(limit + 1)).fetchall()
    return [(run, Node(kind, reference)) for run, kind, reference in rows[:limit]], len(rows) > limit


def _triples() -> Any:
    return select(_TABLE.c.execution_id, _TABLE.c.kind, _TABLE.c.reference)


def _link(run: int, node: Node, direction: str) -> Link:
    execution = Node(EXECUTION, str(run))
    return Link(node, execution) if direction == IN else Link(execution, node)
