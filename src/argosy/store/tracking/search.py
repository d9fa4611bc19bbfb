"""Search among runs: pages of ids in the order that was asked for, found by indexes.

A page costs about as much among 200,000 runs as among 1,000. Where a clause holds for few runs, these are sorted;
where each holds for many, runs are walked in the order of the page, each asked about the clauses, until it is full.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection

from argosy.errors import UsageError
from argosy.store.rows import execute, within
from argosy.store.tracking import pages
from argosy.store.tracking.clause import Clause, Order
from argosy.store.tracking.sought import Sql, compared, few, holds
from argosy.store.tracking.term import Term, after, key, terms

ACTIVE, DELETED, ALL = "active", "deleted", "all"
_VIEWS = {ACTIVE: "r.deleted_at IS NULL", DELETED: "r.deleted_at IS NOT NULL", ALL: "1 = 1"}
_EACH = 64
"""So many experiments are each searched by their own index and merged; more are searched at once."""
_RUNS = Sql("tracked r")
_PHASES = range(3)
"""In the order of a metric: runs with a value, those with NaN, those without it."""
Row = tuple[Any, ...]


class Page(msgspec.Struct, frozen=True):
    """Ids of runs in order, and the token of the next page (None: this was the last)."""

    ids: list[int]
    next: str | None


def page(
    conn: Connection, experiments: Sequence[int], clauses: Sequence[Clause] = (), orders: Sequence[Order] = (), *,
    view: str = ACTIVE, limit: int = 1000, token: str | None = None,
) -> Page:  # fmt: skip
    """Up to `limit` runs of some experiments for which all clauses hold, in order; the newest first by default.

    A run without the value that is ordered by comes last, in both directions, and one whose metric is NaN before
    those. Raises UsageError for a token that no page of this order gave.
    """
    ordered = terms(orders)
    start = pages.row(token, [term.text for term in ordered]) if token else None
    if start is not None and ordered[0].metric is not None and start[0] not in _PHASES:
        raise UsageError(f"page token {str(token)[:40]!r} was not given by this search", next="start without one")
    ask = _Ask(conn, list(clauses), ordered, _VIEWS[view], limit + 1, start)
    wanted = list(dict.fromkeys(experiments))
    if len(wanted) > _EACH:
        rows = ask.at_once(wanted)
    else:
        each = [ask.of(id) for id in wanted]
        rows = each[0] if len(each) == 1 else list(heapq.merge(*each, key=lambda row: key(ordered, row[1:])))
    ids = [row[0] for row in rows[:limit]]
    return Page(ids, pages.mark(rows[limit - 1][1:]) if len(rows) > limit else None)


class _Ask:
    """One search over one experiment after the other; rows are (id, the values of the terms)."""

    def __init__(
        self, conn: Connection, clauses: list[Clause], ordered: list[Term], view: str, most: int, start: Row | None
    ) -> None:
        self.conn, self.clauses, self.ordered, self.view, self.most = conn, clauses, ordered, view, most
        self.start = start
        self._held = [holds(conn, clause) for clause in clauses]

    def at_once(self, experiments: list[int]) -> list[Row]:
        """All experiments in one query, which sorts what it finds."""
        among, bound = within(self.conn, "r.experiment_id", experiments)
        return self._read(_RUNS, [Sql(among, (bound,)), *self._held], self.ordered, self.most)

    def of(self, experiment: int) -> list[Row]:
        """One experiment."""
        own = Sql("r.experiment_id = ?", (experiment,))
        some = few(self.conn, self.clauses, experiment)
        first = self.ordered[0]
        if some is not None:
            source = Sql(f"({some.text}) few {self._each('few')}", some.values)
            return self._read(source, [own, *self._held], self.ordered, self.most)
        if first.metric is None:
            return self._read(_RUNS, [own, *self._held], self.ordered, self.most)
        found: list[Row] = []
        for phase in _PHASES[0 if self.start is None else int(self.start[0]) :]:
            if len(found) < self.most:
                found += self._walk(experiment, first, phase, self.most - len(found))
        return found

    def _each(self, name: str) -> str:
        """The run of each row before, in the order of these."""
        join = "CROSS JOIN" if self.conn.dialect.name == "sqlite" else "JOIN"
        return f"{join} tracked r ON r.id = {name}.run_id"

    def _walk(self, experiment: int, first: Term, phase: int, most: int) -> list[Row]:
        """Runs in the order of a metric: those with a value (phase 0), those with NaN (1), those without it (2)."""
        if phase == 2:
            absent = Sql("NOT EXISTS (SELECT 1 FROM metric o WHERE o.run_id = r.id AND o.key = ?)", (first.metric,))
            conditions, source = [Sql("r.experiment_id = ?", (experiment,)), absent], _RUNS
        else:
            source = Sql(f"metric o0 {self._each('o0')}")
            known = f"o0.value IS {'NOT ' if phase == 0 else ''}NULL"
            conditions = [Sql(f"o0.experiment_id = ? AND o0.key = ? AND {known}", (experiment, first.metric))]
            if phase == 0:
                conditions += self._bounds(first)
        value = Term("o0.value" if phase == 0 else "NULL", self.ordered[1].ascending, fixed=phase != 0)
        ordered = [Term(str(phase)), value, *self.ordered[2:]]
        held = [holds(self.conn, each, "r.id" if phase == 2 else "o0.run_id") for each in self.clauses]
        return self._read(source, [*conditions, *held], ordered, most, walked=phase)

    def _bounds(self, first: Term) -> Iterator[Sql]:
        """What narrows the walk over the metric that is ordered by: clauses about it, and where the page starts."""
        for clause in self.clauses:
            if (clause.entity, clause.key) == ("metric", first.metric):
                yield compared(clause, "o0.value")
        if self.start is not None and self.start[0] == 0:
            yield Sql(f"o0.value {'>=' if self.ordered[1].ascending else '<='} ?", (self.start[1],))

    def _read(
        self, source: Sql, conditions: list[Sql], ordered: list[Term], most: int, walked: int | None = None
    ) -> list[Row]:
        joins = [term.join for term in ordered if term.join is not None]
        conditions = [*conditions, Sql(self.view)]
        if self.start is not None and walked in (None, self.start[0]):
            conditions.append(after(ordered, self.start))
        select = ", ".join(["r.id", *(term.sql for term in ordered)])
        by = ", ".join(f"{term.sql}{'' if term.ascending else ' DESC'}" for term in ordered if not term.constant)
        sql = f"SELECT {select} FROM {source.text} {' '.join(join.text for join in joins)} "
        sql += f"WHERE {' AND '.join(each.text for each in conditions)} ORDER BY {by} LIMIT {most}"
        values = [value for each in (source, *joins, *conditions) for value in each.values]
        return [tuple(row) for row in execute(self.conn, sql, values)]
