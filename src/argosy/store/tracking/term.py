"""Terms by which runs are ordered: SQL over `r`, the run, and the comparison that goes on after a row."""

from __future__ import annotations

from collections.abc import Sequence
from functools import total_ordering
from typing import Any, NamedTuple

from argosy.errors import UsageError
from argosy.store.tracking.clause import Order
from argosy.store.tracking.sought import ATTRIBUTES, Sql


class Term(NamedTuple):
    """One expression to order by.

    `metric` is the key of the metric whose presence a term tells; `text` tells its values from numbers; `fixed` terms
    have one value in all rows of a query.
    """

    sql: str
    ascending: bool = True
    join: Sql | None = None
    metric: str | None = None
    text: bool = False
    fixed: bool = False

    @property
    def constant(self) -> bool:
        """Whether there is nothing to order by."""
        return self.fixed or self.sql.isdigit()


def terms(orders: Sequence[Order]) -> list[Term]:
    """For each order whether there is a value and the value, then the start, newest first, and the run's name."""
    found: list[Term] = []
    seen: set[tuple[str, str]] = set()
    for place, order in enumerate(orders):
        if (order.entity, order.key) in seen:
            raise UsageError(f"`order_by` contains duplicate fields: {order.key!r}", next="name each field once")
        seen.add((order.entity, order.key))
        found += _of(order, f"o{place}")
    if ("attribute", "start_time") not in seen:
        found.append(Term("r.started_at", ascending=False))
    return [*found, Term("r.run", text=True)]


def after(ordered: Sequence[Term], row: Sequence[Any]) -> Sql:
    """That a run comes after a row of the values of all terms: row comparison, written out."""
    choices: list[str] = []
    same: list[str] = []
    bound: list[Any] = []
    values: list[Any] = []
    for term, value in zip(ordered, row, strict=True):
        if term.constant or value is None:
            continue
        choices.append(" AND ".join([*same, f"{term.sql} {'>' if term.ascending else '<'} ?"]))
        values += [*bound, value]
        same.append(f"{term.sql} = ?")
        bound.append(value)
    return Sql(f"({' OR '.join(f'({choice})' for choice in choices)})", tuple(values))


def key(ordered: Sequence[Term], row: Sequence[Any]) -> tuple[Any, ...]:
    """By which rows of several queries are merged."""
    return tuple(
        0 if value is None else value if term.ascending else _Down(value)
        for term, value in zip(ordered, row, strict=True)
    )


@total_ordering
class _Down:
    """A value that sorts the other way round."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Down) and bool(self.value == other.value)

    def __lt__(self, other: _Down) -> bool:
        return bool(other.value < self.value)


def _of(order: Order, name: str) -> list[Term]:
    if order.entity == "attribute":
        value = {"start_time": "r.started_at", "end_time": "r.ended_at"}.get(order.key) or ATTRIBUTES[order.key]
        found = Term(value, order.ascending, text=order.key not in ("start_time", "end_time"))
        absent = Term(f"(CASE WHEN {value} IS NULL THEN 1 ELSE 0 END)")
        return [absent, found] if order.key == "end_time" else [found]  # by an index, where there always is a value
    table = {"metric": "metric", "parameter": "parameter", "tag": "tag"}[order.entity]
    join = Sql(f"LEFT JOIN {table} {name} ON {name}.run_id = r.id AND {name}.key = ?", (order.key,))
    if table == "metric":
        flag = f"(CASE WHEN {name}.run_id IS NULL THEN 2 WHEN {name}.value IS NULL THEN 1 ELSE 0 END)"
        return [Term(flag, join=join, metric=order.key), Term(f"{name}.value", order.ascending)]
    return [
        Term(f"(CASE WHEN {name}.run_id IS NULL THEN 1 ELSE 0 END)", join=join),
        Term(f"{name}.value", order.ascending, text=True),
    ]
