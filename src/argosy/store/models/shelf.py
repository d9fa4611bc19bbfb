"""Search among logged models: by what they are, by parameters, tags and metrics, those on some datasets if wanted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection

from argosy.errors import UsageError
from argosy.store.models import logged
from argosy.store.models.logged import Logged
from argosy.store.rows import execute, within
from argosy.store.tracking import pages
from argosy.store.tracking.changes import LOGGED
from argosy.store.tracking.clause import MOST, MOST_ORDERS, Clause, Order
from argosy.store.tracking.sought import Sql, compared, matches
from argosy.store.tracking.term import Term, after

SPELLING = {logged.UNKNOWN: "UNSPECIFIED", logged.PENDING: "PENDING", logged.READY: "READY", logged.FAILED: "FAILED"}
"""Statuses as clients show them."""
_CASES = " ".join(f"WHEN '{ours}' THEN '{theirs}'" for ours, theirs in SPELLING.items())
_TIMES = {"creation_timestamp": "(l.at / 1000)", "last_updated_timestamp": "(l.updated_at / 1000)"}
_COLUMNS = {
    "name": "l.name", "model_id": "l.model", "model_type": "l.type", "status": f"(CASE l.status {_CASES} END)",
    "source_run_id": "coalesce(l.run, '')", **_TIMES,
}  # fmt: skip
_SORTED = {**_COLUMNS, "creation_timestamp": "l.at", "last_updated_timestamp": "l.updated_at"}


class Data(NamedTuple):
    """A dataset on which metrics were measured; any digest of it, where none is given."""

    name: str
    digest: str = ""


class By(NamedTuple):
    """What to order by: a metric may be the one on a dataset."""

    order: Order
    data: Data | None = None


class Page(msgspec.Struct, frozen=True):
    """Some models, and the token of the next page (None: this was the last)."""

    items: list[Logged]
    next: str | None


def page(
    conn: Connection, experiments: Sequence[int], clauses: Sequence[Clause] = (), orders: Sequence[By] = (), *,
    data: Sequence[Data] = (), limit: int = 50, token: str | None = None,
) -> Page:  # fmt: skip
    """Up to `limit` models of some experiments for which all clauses hold, in order; the newest first by default.

    With `data`, clauses about metrics mean those on these datasets, and without such a clause a model must have any
    there. Models are ordered by the last value of a metric; those without come last. Raises UsageError for a token
    that no page of this order gave, and for more orders or datasets than a database plans at once.
    """
    for noun, given, most in (("orders", orders, MOST_ORDERS), ("datasets", data, MOST)):
        if len(given) > most:
            raise UsageError(f"{len(given):,} {noun} are given, the limit is {most}", next="give fewer at a time")
    ordered = _terms(orders)
    among, bound = within(conn, "l.experiment_id", experiments)
    if len(experiments) == 1:
        among, bound = "l.experiment_id = ?", experiments[0]
    held = [Sql(among, (bound,)), Sql("l.deleted_at IS NULL"), *(_holds(conn, each, data) for each in clauses)]
    if data and not any(each.entity == "metric" for each in clauses):
        held.append(_measured("", (), data))
    if token:
        held.append(after(ordered, pages.row(token, [term.text for term in ordered])))
    joins = [term.join for term in ordered if term.join is not None]
    select = ", ".join([*(f"l.{name}" for name in logged.FIELDS.split(", ")), *(term.sql for term in ordered)])
    by = ", ".join(f"{term.sql}{'' if term.ascending else ' DESC'}" for term in ordered if not term.constant)
    sql = f"SELECT {select} FROM logged l {' '.join(join.text for join in joins)} "
    sql += f"WHERE {' AND '.join(each.text for each in held)} ORDER BY {by} LIMIT {limit + 1}"
    rows = execute(conn, sql, [value for each in (*joins, *held) for value in each.values]).fetchall()
    wide = len(Logged._fields)
    next = pages.mark(rows[limit - 1][wide:]) if len(rows) > limit else None
    return Page([logged.made(row[:wide]) for row in rows[:limit]], next)


def _holds(conn: Connection, clause: Clause, data: Sequence[Data]) -> Sql:
    if clause.entity == "metric":
        inner = compared(clause, "m.value")
        return _measured(f"m.key = ? AND {inner.text}", (clause.key, *inner.values), data)
    if clause.entity == "tag":
        inner = matches(conn, "t.value", clause.operator, clause.value)
        of = "SELECT 1 FROM label t WHERE t.kind = ? AND t.entity = l.model AND t.key = ?"
        return Sql(f"EXISTS ({of} AND {inner.text})", (LOGGED, clause.key, *inner.values))
    if clause.entity == "parameter":
        sqlite = conn.dialect.name == "sqlite"
        each = "json_each(l.parameters)" if sqlite else "json_each_text(l.parameters::json)"
        inner = matches(conn, "p.value", clause.operator, clause.value)
        return Sql(f"EXISTS (SELECT 1 FROM {each} p WHERE p.key = ? AND {inner.text})", (clause.key, *inner.values))
    if clause.key in _TIMES:
        operator = "<>" if clause.operator == "!=" else clause.operator
        return Sql(f"{_TIMES[clause.key]} {operator} ?", (clause.value,))
    if (clause.key, clause.operator) == ("source_run_id", "="):
        return Sql("l.run = ?", (clause.value,))  # by its index
    return matches(conn, _COLUMNS[clause.key], clause.operator, clause.value)


def _measured(inner: str, values: tuple[Any, ...], data: Sequence[Data]) -> Sql:
    """That there is a metric of the model for which `inner` holds, on one of the datasets where there are any."""
    on = [_on(each) for each in data]
    texts = ["m.logged_id = l.id", *([inner] if inner else [])]
    texts += [f"({' OR '.join(each.text for each in on)})"] if on else []
    bound = tuple(value for each in on for value in each.values)
    return Sql(f"EXISTS (SELECT 1 FROM logged_metric m WHERE {' AND '.join(texts)})", (*values, *bound))


def _on(data: Data) -> Sql:
    if not data.digest:
        return Sql("m.dataset = ?", (data.name,))
    return Sql("(m.dataset = ? AND m.digest = ?)", (data.name, data.digest))


def _terms(orders: Sequence[By]) -> list[Term]:
    """Two terms for each order (is there a value, and the value), then when it was made, newest first, and its name."""
    found: list[Term] = []
    seen: set[str] = set()
    for place, by in enumerate(orders):
        found += _metric(by, f"o{place}") if by.order.entity == "metric" else _attribute(by.order)
        if by.order.entity == "attribute":
            seen.add(by.order.key)
    if "creation_timestamp" not in seen:
        found.append(Term("l.at", ascending=False))
    return found if "model_id" in seen else [*found, Term("l.model", text=True)]


def _attribute(order: Order) -> Iterator[Term]:
    if order.key not in _SORTED:
        known = ", ".join(sorted(_SORTED))
        raise UsageError(
            f"Invalid order by field name: {order.key[:200]!r}", next=f"use metrics.NAME or one of {known}"
        )
    yield Term(_SORTED[order.key], order.ascending, text=order.key not in _TIMES)


def _metric(by: By, name: str) -> Iterator[Term]:
    """The last value of a metric: that of the newest time, then step."""
    on = Sql("1 = 1") if by.data is None else _on(by.data)
    last = (
        "SELECT m.run, m.dataset, m.digest, m.step, m.at_ms FROM logged_metric m WHERE m.logged_id = l.id "
        f"AND m.key = ? AND {on.text} ORDER BY m.at_ms DESC, m.step DESC, m.run, m.dataset, m.digest LIMIT 1"
    )
    row = ", ".join(f"{name}.{column}" for column in ("run", "dataset", "digest", "step", "at_ms"))
    join = Sql(
        f"LEFT JOIN logged_metric {name} ON {name}.logged_id = l.id AND {name}.key = ? AND ({row}) = ({last})",
        (by.order.key, by.order.key, *on.values),
    )
    flag = f"(CASE WHEN {name}.logged_id IS NULL THEN 2 WHEN {name}.value IS NULL THEN 1 ELSE 0 END)"
    yield Term(flag, join=join)
    yield Term(f"{name}.value", by.order.ascending)
