"""What a search asks of runs, as plain SQL over `r`, the run: clauses, and where one holds for few runs, these."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection

from argosy.errors import UsageError
from argosy.store.rows import execute, within
from argosy.store.tracking.clause import Clause
from argosy.store.tracking.runs import NAME_TAG
from argosy.store.tracking.tables import HEAD

SPELLING = {
    "running": "RUNNING", "scheduled": "SCHEDULED", "succeeded": "FINISHED", "failed": "FAILED", "cancelled": "KILLED",
}  # fmt: skip
"""Statuses as MLflow spells them."""
CONTEXT = "mlflow.data.context"
_FEW = 4000
_PATTERN = 8000
_CASES = " ".join(f"WHEN '{ours}' THEN '{theirs}'" for ours, theirs in SPELLING.items())
_STATUS = f"(CASE r.status {_CASES} END)"
_LOCATION = "(SELECT e.location FROM experiment e WHERE e.id = r.experiment_id)"
ATTRIBUTES = {
    "run_id": "r.run", "run_name": "r.name", "status": _STATUS, "user_id": "r.owner",
    "artifact_uri": f"({_LOCATION} || '/' || r.run || '/artifacts')",
    "start_time": "(r.started_at / 1000)", "end_time": "(r.ended_at / 1000)",
}  # fmt: skip
"""Attributes of runs by the names that searches call them by."""
_TEXTS = {"parameter": "parameter", "tag": "tag"}
_LAST = "\U0010ffff"
_RANGES = {">", ">=", "<", "<=", "="}


class Sql(NamedTuple):
    """A piece of SQL with a `?` for each of its values."""

    text: str
    values: tuple[Any, ...] = ()


def holds(conn: Connection, clause: Clause, id: str = "r.id") -> Sql:
    """That a clause holds for the run `r`, of which another row may tell the `id` before it is read."""
    if clause.entity == "metric":
        inner = compared(clause, "m.value")
        return Sql(
            f"EXISTS (SELECT 1 FROM metric m WHERE m.run_id = {id} AND m.key = ? AND {inner.text})",
            (clause.key, *inner.values),
        )
    if clause.entity in _TEXTS:
        return _text(conn, clause, _TEXTS[clause.entity], id)
    if clause.entity == "dataset":
        return _dataset(conn, clause)
    if clause.key in ("start_time", "end_time"):
        operator = "<>" if clause.operator == "!=" else clause.operator
        return Sql(f"{ATTRIBUTES[clause.key]} {operator} ?", (clause.value,))
    if clause.key == "status" and isinstance(clause.value, str):
        return matches(conn, _STATUS, clause.operator, SPELLING.get(clause.value, clause.value))
    return matches(conn, ATTRIBUTES[clause.key], clause.operator, clause.value)


def compared(clause: Clause, value: str) -> Sql:
    """That a metric's `value`, NULL for NaN, compares as the clause says: only "!=" holds for NaN."""
    wanted = float(clause.value)  # type: ignore[arg-type]
    if clause.operator == "!=":
        return Sql(f"({value} <> ? OR {value} IS NULL)", (wanted,))
    return Sql(f"{value} {clause.operator} ?", (wanted,))


def matches(conn: Connection, column: str, operator: str, value: Any) -> Sql:
    """That a text compares with a value; LIKE minds case, ILIKE does not. Raises UsageError for too long a pattern."""
    if operator in ("IN", "NOT IN"):
        text, bound = within(conn, column, value)
        return Sql(text if operator == "IN" else f"NOT ({text})", (bound,))
    if operator in ("=", "!="):
        return Sql(f"{column} {'=' if operator == '=' else '<>'} ?", (value,))
    if len(value) > _PATTERN:
        raise UsageError(
            f"a pattern of {operator} has {len(value):,} characters, the limit is {_PATTERN:,}",
            next="give its beginning",
        )
    if conn.dialect.name == "sqlite":
        if operator == "ILIKE":
            return Sql(f"{column} LIKE ?", (value,))
        return Sql(f"{column} GLOB ?", (_glob(value),))
    return Sql(f"{column} {operator} ? ESCAPE ''", (value,))


def few(conn: Connection, clauses: Sequence[Clause], experiment_id: int) -> Sql | None:
    """The ids (`run_id`) of the runs for which a clause may hold, where an index tells that these are few."""
    best: tuple[int, Sql] | None = None
    for clause in clauses:
        found = _indexed(clause, experiment_id)
        if found is None:
            continue
        sql = f"SELECT count(*) FROM ({found.text} LIMIT {_FEW + 1}) AS found"
        count = execute(conn, sql, found.values).fetchone()[0]
        if count <= _FEW and (best is None or count < best[0]):
            best = count, found
    return None if best is None else best[1]


def _indexed(clause: Clause, experiment_id: int) -> Sql | None:
    """The ids of at least the runs for which a clause holds, where an index has them; each once."""
    if clause.entity == "metric" and clause.operator in _RANGES:
        inner = compared(clause, "value")
        sql = f"SELECT run_id FROM metric WHERE experiment_id = ? AND key = ? AND {inner.text}"
        return Sql(sql, (experiment_id, clause.key, *inner.values))
    table, key = _TEXTS.get(clause.entity), clause.key
    if (clause.entity, clause.key) == ("attribute", "run_name"):
        table, key = "tag", NAME_TAG
    if table is None or not isinstance(clause.value, str):
        return None
    sql = f"SELECT run_id FROM {table} WHERE experiment_id = ? AND key = ?"
    if clause.operator == "=":
        return Sql(f"{sql} AND head = ? AND value = ?", (experiment_id, key, clause.value[:HEAD], clause.value))
    start = re.split(r"[%_]", clause.value, maxsplit=1)[0][:HEAD]
    if clause.operator == "LIKE" and start:
        return Sql(f"{sql} AND head >= ? AND head < ?", (experiment_id, key, start, f"{start}{_LAST}"))
    return None


def _text(conn: Connection, clause: Clause, table: str, id: str) -> Sql:
    of = f"EXISTS (SELECT 1 FROM {table} t WHERE t.run_id = {id} AND t.key = ?"
    if clause.operator == "IS NULL":
        return Sql(f"NOT {of})", (clause.key,))
    if clause.operator == "IS NOT NULL":
        return Sql(f"{of})", (clause.key,))
    inner = matches(conn, "t.value", clause.operator, clause.value)
    return Sql(f"{of} AND {inner.text})", (clause.key, *inner.values))


def _dataset(conn: Connection, clause: Clause) -> Sql:
    column = f"d.{clause.key}"
    if clause.key == "context":
        sqlite = conn.dialect.name == "sqlite"
        column = f"json_extract(i.tags, '$.\"{CONTEXT}\"')" if sqlite else f"(i.tags::json ->> '{CONTEXT}')"
    inner = matches(conn, column, clause.operator, clause.value)
    of = "SELECT 1 FROM intake i JOIN data_source d ON d.id = i.source_id WHERE i.run_id = r.id"
    return Sql(f"EXISTS ({of} AND {inner.text})", inner.values)


def _glob(pattern: str) -> str:
    """A LIKE pattern as SQLite's GLOB, which minds case."""
    return re.sub(r"([*?\[])", r"[\1]", pattern).replace("%", "*").replace("_", "?")
