"""Structs in, structs out: how every module of the store writes and reads many rows at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cache
from operator import attrgetter
from typing import Any, TypeVar

import msgspec
from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Connection,
    Dialect,
    Select,
    Table,
    Text,
    TypeDecorator,
    bindparam,
    select,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeEngine

from argosy.store.codec import Instant, Json, Number, to_json, to_micros, to_number

R = TypeVar("R", bound="Row")
_TOGETHER = 100


class Row(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A row of facts, its fields named as the columns of its table."""


def insert(
    tx: Connection, table: Table, records: Sequence[Row], *, ignore: bool = False, renew: Sequence[str] = ()
) -> list[int]:
    """Append `records` in one batch and return their new ids (empty for a table without `id`).

    With `ignore`, a record whose primary key is already there is left as it is; with `renew`, it takes these columns
    from the new one. Ids follow the order of `records`; they are allocated under the single writer's lock, so they
    never collide.
    """
    if not records:
        return []
    fields = type(records[0]).__struct_fields__
    lists: list[Any] = list(zip(*map(_getter(fields), records), strict=True))
    for index, encode in _encoders(table, fields):
        lists[index] = map(encode, lists[index])
    ids: list[int] = []
    if "id" in table.c and "id" not in fields:
        first = next_id(tx, table)
        ids = list(range(first, first + len(records)))
        fields, lists = ("id", *fields), [ids, *lists]
    tx.exec_driver_sql(_insertion(tx, table, fields, ignore, renew), list(zip(*lists, strict=True)))
    return ids


def update(
    tx: Connection, table: Table, assignments: Sequence[str], key: str, values: Sequence[tuple[Any, ...]]
) -> None:
    """Run `UPDATE table SET assignments WHERE key = ?` once per tuple, in one batch.

    Each assignment holds one `?` or none; values are raw (instants in microseconds, JSON as text).
    """
    if values:
        sql = f"UPDATE {quoted(tx, table.name)} SET {', '.join(assignments)} WHERE {quoted(tx, key)} = ?"
        tx.exec_driver_sql(_marked(tx, sql), list(values))


def next_id(tx: Connection, table: Table) -> int:
    """The first free id of `table`; only meaningful inside a write transaction."""
    return int(tx.exec_driver_sql(f"SELECT coalesce(max(id), 0) FROM {quoted(tx, table.name)}").scalar_one()) + 1


@cache
def columns(table: Table, kind: type[Row]) -> Select[Any]:
    """A select of the columns that `kind` holds, in its order."""
    return select(*(table.c[name] for name in kind.__struct_fields__))


def fetch(conn: Connection, statement: Select[Any], kind: type[R], **parameters: Any) -> list[R]:
    """Run a statement whose columns are the fields of `kind`, in order."""
    names = kind.__struct_fields__
    return [kind(**dict(zip(names, row, strict=True))) for row in conn.execute(statement, parameters).all()]


def among(column: ColumnElement[Any], values: Iterable[Any]) -> ColumnElement[bool]:
    """`column` is one of `values`, as one bound parameter however many there are."""
    return _Among(column, bindparam(None, list(values), _Values(column.type), unique=True))


def driven(conn: Connection, sql: str, values: Sequence[Any]) -> list[Any]:
    """The first column of a query in plain SQL with a `?` for each value: a fifth of the cost of a composed one."""
    return [value for (value, *_) in execute(conn, sql, tuple(values)).fetchall()]


def execute(conn: Connection, sql: str, values: Sequence[Any] = ()) -> Any:
    """Run a statement in plain SQL, a `?` for each value, on the driver's own cursor, which is returned.

    A tenth of the cost of a composed one: for what is done thousands of times. Values and results are raw (instants in
    microseconds, JSON as text).
    """
    cursor = conn.connection.cursor()
    cursor.execute(_marked(conn, sql), values)
    return cursor


def execute_many(conn: Connection, sql: str, values: Sequence[Sequence[Any]]) -> None:
    """The same once for each of many values."""
    if len(values) == 1:
        execute(conn, sql, values[0])
    elif values:
        conn.connection.cursor().executemany(_marked(conn, sql), values)


def execute_values(conn: Connection, sql: str, values: Sequence[Sequence[Any]]) -> list[Any]:
    """Run an INSERT with all of some rows in one question, `{}` where they stand; returns what it returns.

    For few rows, each of which would be a question of its own, or for those which return something.
    """
    found: list[Any] = []
    for low in range(0, len(values), _TOGETHER):
        some = values[low : low + _TOGETHER]
        groups = ", ".join([f"({', '.join('?' * len(some[0]))})"] * len(some))
        cursor = execute(conn, sql.format(groups), [each for row in some for each in row])
        found += cursor.fetchall() if cursor.description else ()
    return found


def within(conn: Connection, column: str, values: Iterable[Any]) -> tuple[str, Any]:
    """`column` is one of `values`, as plain SQL with one `?`, and what to bind to it."""
    if conn.dialect.name == "sqlite":
        return f"{column} IN (SELECT value FROM json_each(?))", to_json(list(values))
    return f"{column} = ANY (?)", list(values)


def quoted(conn: Connection, name: str) -> str:
    """The name as an SQL identifier of this back end."""
    return conn.dialect.identifier_preparer.quote(name)


class _Values(TypeDecorator[list[Any]]):
    """Values of one type in one parameter: JSON on SQLite, an array on PostgreSQL."""

    impl = Text
    cache_ok = True

    def __init__(self, of: TypeEngine[Any]) -> None:
        super().__init__()
        self.of = of

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(Text() if dialect.name == "sqlite" else ARRAY(self.of))

    def process_bind_param(self, value: list[Any] | None, dialect: Dialect) -> Any:
        if dialect.name != "sqlite" or value is None:
            return value
        each = self.of.dialect_impl(dialect).bind_processor(dialect)
        return to_json(value if each is None else list(map(each, value)))


class _Among(FunctionElement[bool]):
    """Made in one step: composed of SQLAlchemy's own parts, it takes three times as long to build.

    It has no type: SQLite has no booleans, so that one would be compared with 1, and no index would be used.
    """

    inherit_cache = True


@compiles(_Among)
def _as_array(element: _Among, compiler: SQLCompiler, **given: Any) -> str:
    column, values = (compiler.process(each, **given) for each in element.clauses)
    return f"{column} = ANY ({values})"


@compiles(_Among, "sqlite")
def _as_json(element: _Among, compiler: SQLCompiler, **given: Any) -> str:
    column, values = (compiler.process(each, **given) for each in element.clauses)
    return f"{column} IN (SELECT value FROM json_each({values}))"


@cache
def _getter(fields: tuple[str, ...]) -> Callable[[Any], tuple[Any, ...]]:
    if len(fields) > 1:
        return attrgetter(*fields)
    return lambda record: (getattr(record, fields[0]),)


@cache
def _encoders(table: Table, fields: tuple[str, ...]) -> list[tuple[int, Callable[[Any], Any]]]:
    known: dict[type, Callable[[Any], Any]] = {Instant: to_micros, Json: to_json, Number: to_number}
    return [(i, known[type(table.c[name].type)]) for i, name in enumerate(fields) if type(table.c[name].type) in known]


def _insertion(tx: Connection, table: Table, fields: tuple[str, ...], ignore: bool, renew: Sequence[str]) -> str:
    names = ", ".join(quoted(tx, name) for name in fields)
    marks = ", ".join("?" for _ in fields)
    tail = " ON CONFLICT DO NOTHING" if ignore else ""
    if renew:
        key = ", ".join(quoted(tx, column.name) for column in table.primary_key)
        sets = ", ".join(f"{name} = excluded.{name}" for name in (quoted(tx, each) for each in renew))
        tail = f" ON CONFLICT ({key}) DO UPDATE SET {sets}"
    return _marked(tx, f"INSERT INTO {quoted(tx, table.name)} ({names}) VALUES ({marks}){tail}")


def _marked(tx: Connection, sql: str) -> str:
    return sql if tx.dialect.name == "sqlite" else sql.replace("?", "%s")
