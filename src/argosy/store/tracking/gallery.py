"""Experiments by what they are called, when they were made and how they are tagged."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection

from argosy.errors import UsageError
from argosy.store.rows import execute
from argosy.store.tracking import pages
from argosy.store.tracking.changes import EXPERIMENT
from argosy.store.tracking.clause import Clause, Order
from argosy.store.tracking.experiments import Experiment, made
from argosy.store.tracking.search import ACTIVE, ALL, DELETED
from argosy.store.tracking.sought import Sql, matches

_ID = re.compile(r"-?[0-9]{1,18}")
_VIEWS = {ACTIVE: "e.deleted_at IS NULL", DELETED: "e.deleted_at IS NOT NULL", ALL: "1 = 1"}
_TIMES = {"creation_time": "(e.at / 1000)", "last_update_time": "(e.updated_at / 1000)"}
_COLUMNS = {"name": "e.name", "experiment_id": "e.id", **_TIMES}


class Page(msgspec.Struct, frozen=True):
    """Some experiments, and the token of the next page (None: this was the last)."""

    items: list[Experiment]
    next: str | None


def page(
    conn: Connection, clauses: Sequence[Clause] = (), orders: Sequence[Order] = (), *, view: str = ACTIVE,
    limit: int = 1000, token: str | None = None,
) -> Page:  # fmt: skip
    """Up to `limit` experiments for which all clauses hold; the newest first by default."""
    start = pages.start(token)
    held = [_holds(conn, each) for each in clauses]
    by = [f"{_COLUMNS[each.key]}{'' if each.ascending else ' DESC'}" for each in orders] or ["e.at DESC"]
    where = " AND ".join([_VIEWS[view], *(each.text for each in held)])
    sql = "SELECT e.id, e.name, e.location, e.at, e.updated_at, e.deleted_at FROM experiment e "
    sql += f"WHERE {where} ORDER BY {', '.join([*by, 'e.id'])} LIMIT {limit + 1} OFFSET {start}"
    found = [made(row) for row in execute(conn, sql, [value for each in held for value in each.values])]
    return Page(found[:limit], pages.token(start + limit) if len(found) > limit else None)


def _holds(conn: Connection, clause: Clause) -> Sql:
    if clause.entity == "tag":
        of = "SELECT 1 FROM label t WHERE t.kind = ? AND t.entity = CAST(e.id AS TEXT) AND t.key = ?"
        if clause.operator in ("IS NULL", "IS NOT NULL"):
            word = "NOT EXISTS" if clause.operator == "IS NULL" else "EXISTS"
            return Sql(f"{word} ({of})", (EXPERIMENT, clause.key))
        inner = matches(conn, "t.value", clause.operator, clause.value)
        return Sql(f"EXISTS ({of} AND {inner.text})", (EXPERIMENT, clause.key, *inner.values))
    column = _COLUMNS[clause.key]
    if clause.key == "experiment_id":
        given = clause.value if isinstance(clause.value, tuple) else (clause.value,)
        return matches(conn, column, clause.operator, _numbers(given, clause.operator))
    if clause.key in _TIMES:
        return Sql(f"{column} {'<>' if clause.operator == '!=' else clause.operator} ?", (clause.value,))
    return matches(conn, column, clause.operator, clause.value)


def _numbers(given: Sequence[Any], operator: str) -> Any:
    if not all(_ID.fullmatch(str(each)) for each in given):
        raise UsageError(f"experiment_id {str(given)[:200]} is no whole number of 64 bits", next="give ids, as '12'")
    found = [int(each) for each in given]
    return found if operator in ("IN", "NOT IN") else found[0]
