"""Spans: the steps of a trace. Those of a trace that nobody told of make it up."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection

from argosy.store.rows import execute, execute_many, next_id, within
from argosy.store.traces import record
from argosy.store.traces.record import Trace
from argosy.store.traces.tables import trace
from argosy.store.tracking import experiments
from argosy.store.tracking.changes import Hand

_NS = 1_000_000


class Span(NamedTuple):
    """A step of a trace, in nanoseconds since 1970; `body` is all of it as JSON text.

    `request` and `response` are short forms of what it was given and gave.
    """

    trace: str
    span: str
    parent: str | None
    name: str
    type: str
    status: str
    start_ns: int
    end_ns: int | None
    body: str
    request: str | None = None
    response: str | None = None


def log(tx: Connection, experiment_id: int, given: Sequence[Span], hand: Hand) -> list[Trace]:
    """Keep spans, those that are there already anew; returns their traces, which are made where they are not.

    Raises UnknownError for an experiment that is not, InputError for one that is deleted.
    """
    experiments.active(tx, experiment_id)
    names = list(dict.fromkeys(each.trace for each in given))
    known = record.some(tx, names)
    fresh = [name for name in names if name not in known]
    starts: dict[str, int] = {}
    for each in given:
        starts[each.trace] = min(starts.get(each.trace, each.start_ns), each.start_ns)
    made = [
        Trace(name, experiment_id, None, starts[name] // _NS, None, record.RUNNING, id=id)
        for id, name in enumerate(fresh, next_id(tx, trace))
    ]
    record.add(tx, made, hand, told=False)
    ids = {**{name: each.id for name, each in known.items()}, **{each.trace: each.id for each in made}}
    execute_many(
        tx,
        "INSERT INTO span (trace_id, span, parent, name, type, status, start_ns, end_ns, body) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (trace_id, span) DO UPDATE SET parent = excluded.parent, "
        "name = excluded.name, type = excluded.type, status = excluded.status, start_ns = excluded.start_ns, "
        "end_ns = excluded.end_ns, body = excluded.body",
        [(ids[each.trace], *each[1:9]) for each in given],
    )
    clause, bound = within(tx, "id", ids.values())
    execute(tx, f"UPDATE trace SET spanned = ? WHERE {clause}", (True, bound))
    _sum_up(tx, [each for each in given if each.parent is None], ids)
    return list(record.some(tx, names).values())


def of(conn: Connection, traces: Iterable[Trace]) -> dict[int, list[msgspec.Raw]]:
    """The spans of traces as JSON, by the ids of the traces, in the order in which they began."""
    clause, bound = within(conn, "trace_id", [each.id for each in traces])
    found: dict[int, list[msgspec.Raw]] = {}
    sql = f"SELECT trace_id, body FROM span WHERE {clause} ORDER BY trace_id, start_ns, span"
    for id, body in execute(conn, sql, (bound,)):
        found.setdefault(id, []).append(msgspec.Raw(body.encode()))
    return found


def _sum_up(tx: Connection, roots: Sequence[Span], ids: dict[str, int]) -> None:
    """Let the first spans of traces of which nobody told say how these went."""
    clause, bound = within(tx, "id", [ids[each.trace] for each in roots])
    untold = {name for (name,) in execute(tx, f"SELECT trace FROM trace WHERE {clause} AND NOT told", (bound,))}
    rows: list[tuple[Any, ...]] = []
    for each in roots:
        if each.trace in untold:
            start = each.start_ns // _NS
            took = None if each.end_ns is None else each.end_ns // _NS - start
            state = record.RUNNING if took is None else record.FAILED if each.status == "ERROR" else record.SUCCEEDED
            rows.append((each.name, start, took, state, each.request, each.response, ids[each.trace]))
    sql = "UPDATE trace SET name = ?, at_ms = ?, took_ms = ?, state = ?, request = ?, response = ? WHERE id = ?"
    execute_many(tx, sql, rows)
