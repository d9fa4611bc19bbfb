"""Search among traces: by when and how they went, tags, metadata, spans, and by what was thought of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection

from argosy.store.rows import execute, within
from argosy.store.traces import record
from argosy.store.traces.record import NAME_TAG, Trace
from argosy.store.tracking import pages
from argosy.store.tracking.changes import TRACE
from argosy.store.tracking.clause import Clause, Order
from argosy.store.tracking.sought import Sql, matches
from argosy.store.tracking.term import Term, after

SPELLING = {
    record.UNKNOWN: "STATE_UNSPECIFIED", record.RUNNING: "IN_PROGRESS", record.SUCCEEDED: "OK", record.FAILED: "ERROR",
}  # fmt: skip
"""States as clients spell them."""
_CASES = " ".join(f"WHEN '{ours}' THEN '{theirs}'" for ours, theirs in SPELLING.items())
_NUMBERS = {"timestamp_ms": "t.at_ms", "execution_time_ms": "t.took_ms", "end_time_ms": "(t.at_ms + t.took_ms)"}
_COLUMNS = {
    "client_request_id": "t.client", "name": "t.name", "request_id": "t.trace",
    "status": f"(CASE t.state {_CASES} END)", **_NUMBERS,
}  # fmt: skip
_SPAN = {"name": "s.name", "type": "s.type", "status": "s.status", "content": "s.body"}
_ABSENT = {"IS NULL": "NOT EXISTS", "IS NOT NULL": "EXISTS"}


class Page(msgspec.Struct, frozen=True):
    """Some traces, and the token of the next page (None: this was the last)."""

    items: list[Trace]
    next: str | None


def page(
    conn: Connection, experiments: Sequence[int], clauses: Sequence[Clause] = (), orders: Sequence[Order] = (), *,
    limit: int = 100, token: str | None = None,
) -> Page:  # fmt: skip
    """Up to `limit` traces of some experiments for which all clauses hold, in order; the newest first by default.

    A trace without the value that is ordered by comes last. Raises UsageError for a token that no page of this order
    gave.
    """
    ordered = list(_terms(conn, orders))
    among, bound = within(conn, "t.experiment_id", experiments)
    if len(experiments) == 1:
        among, bound = "t.experiment_id = ?", experiments[0]
    held = [Sql(among, (bound,)), *(_holds(conn, each) for each in clauses)]
    if token:
        held.append(after(ordered, pages.row(token, [term.text for term in ordered])))
    joins = [term.join for term in ordered if term.join is not None]
    select = ", ".join([*(f"t.{name}" for name in record.FIELDS.split(", ")), *(term.sql for term in ordered)])
    by = ", ".join(f"{term.sql}{'' if term.ascending else ' DESC'}" for term in ordered)
    sql = f"SELECT {select} FROM trace t {' '.join(join.text for join in joins)} "
    sql += f"WHERE {' AND '.join(each.text for each in held)} ORDER BY {by} LIMIT {limit + 1}"
    rows = execute(conn, sql, [value for each in (*joins, *held) for value in each.values]).fetchall()
    wide = len(Trace._fields)
    next = pages.mark(rows[limit - 1][wide:]) if len(rows) > limit else None
    return Page([record.made(row[:wide]) for row in rows[:limit]], next)


def _holds(conn: Connection, clause: Clause) -> Sql:
    if clause.entity == "metadata":
        return _exists(conn, clause, Sql(f"{_metadata(conn)} m WHERE m.key = ?", (clause.key,)), "m.value")
    if clause.entity == "tag" and clause.key != NAME_TAG:
        of = "label g WHERE g.kind = ? AND g.entity = t.trace AND g.key = ?"
        return _exists(conn, clause, Sql(of, (TRACE, clause.key)), "g.value")
    if clause.entity in ("feedback", "expectation"):
        of = "assessment a WHERE a.trace_id = t.id AND a.valid AND a.kind = ? AND a.name = ?"
        return _exists(conn, clause, Sql(of, (clause.entity, clause.key)), "a.value")
    if clause.entity == "span" or clause.key == "text":
        column = _SPAN["content" if clause.key == "text" else clause.key]
        return _exists(conn, clause, Sql("span s WHERE s.trace_id = t.id"), column)
    if clause.key == "run_id":
        return _exists(conn, clause, Sql("trace_run r WHERE r.trace_id = t.id"), "r.run")
    column = "t.name" if clause.entity == "tag" else _COLUMNS[clause.key]
    if clause.operator in _ABSENT:
        return Sql(f"{column} {clause.operator}")
    if clause.key in _NUMBERS:
        return Sql(f"{column} {'<>' if clause.operator == '!=' else clause.operator} ?", (clause.value,))
    return matches(conn, column, clause.operator, clause.value)


def _exists(conn: Connection, clause: Clause, source: Sql, column: str) -> Sql:
    if clause.operator in _ABSENT:
        return Sql(f"{_ABSENT[clause.operator]} (SELECT 1 FROM {source.text})", source.values)
    inner = matches(conn, column, clause.operator, clause.value)
    return Sql(f"EXISTS (SELECT 1 FROM {source.text} AND {inner.text})", (*source.values, *inner.values))


def _metadata(conn: Connection) -> str:
    return "json_each(t.metadata)" if conn.dialect.name == "sqlite" else "json_each_text(t.metadata::json)"


def _terms(conn: Connection, orders: Sequence[Order]) -> Iterator[Term]:
    """Two terms for each order (is there a value, and the value), then the time, newest first, and the name."""
    seen: set[Any] = set()
    for place, order in enumerate(orders):
        seen.add(order.key if order.entity == "attribute" else None)
        value, join, text = _value(conn, order, f"o{place}")
        yield Term(f"(CASE WHEN {value} IS NULL THEN 1 ELSE 0 END)", join=join)
        yield Term(value, order.ascending, text=text)
    if "timestamp_ms" not in seen:
        yield Term("t.at_ms", ascending=False)
    if "request_id" not in seen:
        yield Term("t.trace", text=True)


def _value(conn: Connection, order: Order, name: str) -> tuple[str, Sql | None, bool]:
    if order.entity == "attribute":
        column = "t.experiment_id" if order.key == "experiment_id" else _COLUMNS[order.key]
        return column, None, order.key not in (*_NUMBERS, "experiment_id")
    if order.entity == "tag" and order.key == NAME_TAG:
        return "t.name", None, True
    if order.entity == "tag":
        on = f"LEFT JOIN label {name} ON {name}.kind = ? AND {name}.entity = t.trace AND {name}.key = ?"
        return f"{name}.value", Sql(on, (TRACE, order.key)), True
    lateral = "" if conn.dialect.name == "sqlite" else "LATERAL "
    return f"{name}.value", Sql(f"LEFT JOIN {lateral}{_metadata(conn)} {name} ON {name}.key = ?", (order.key,)), True
