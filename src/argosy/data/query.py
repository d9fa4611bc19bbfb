"""SQL as a source: rows of a query, from the largest value of its cursor that was read on."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import polars as pl
from sqlalchemy import Connection, Engine, NullPool, create_engine, text
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from argosy.data import ledger, load, moment, url
from argosy.data.ledger import Mark
from argosy.data.load import Load
from argosy.data.url import Filled
from argosy.errors import InputError, MissingExtraError
from argosy.spec.source import Sql

LARGEST = 1_000_000
"""Rows of one answer at most; where a cursor is declared, the rest is asked for next time."""

Rows = Sequence[tuple[Any, ...]]


class Answer(msgspec.Struct, frozen=True):
    """Rows that may be new, the names of their columns, and how far the source is read once they are in."""

    names: list[str]
    rows: Rows
    mark: Mark


def read(
    dataset: str, source: Sql, mark: Mark, root: Path, environment: Mapping[str, str], dates: tuple[str, ...]
) -> list[Load]:
    """Ask the database for rows that `mark` does not cover: those past it, and those at it or without a value where
    they are not the ones that were read last. Nothing new gives no load. A SQLite file is looked for below `root`.

    Raises `UnknownError` for a `${NAME}` that the environment lacks and for a SQLite file that is not there,
    `MissingExtraError` for a driver that is not installed, `InputError` for a query that fails and for more rows of
    one value of the cursor than one answer holds; none of them shows a password.
    """
    filled = url.fill(dataset, source.url, environment, root)
    engine, reached = _engine(dataset, source, filled), False
    try:
        with engine.connect() as connection:
            reached = True
            answer = _past(connection, dataset, source, mark) if source.cursor else _whole(connection, source, mark)
    except SQLAlchemyError as error:
        raise _failed(dataset, filled, error, reached=reached) from None
    finally:
        engine.dispose()
    if not answer.rows:
        return []
    keys = (ledger.mark_key(answer.mark),) if answer.mark != mark else ()
    shown = f"{filled.shown} {answer.mark.value if source.cursor else ''}".strip()
    name = f"{dataset} (query)"
    rows = pl.DataFrame(answer.rows, schema=answer.names, orient="row", infer_schema_length=None)
    given = Load(name, "query", shown, keys, _dated(rows, dates, name), repeats=source.cursor is None)
    return [load.settled(given, "UTC", dates)]


def _engine(dataset: str, source: Sql, filled: Filled) -> Engine:
    try:
        return create_engine(filled.url, poolclass=NullPool, hide_parameters=True)
    except (ArgumentError, NoSuchModuleError) as error:
        raise InputError(
            f"{dataset}: {source.url} is no SQLAlchemy URL: {filled.hide(str(error))}", next=url.WRITE
        ) from None
    except ImportError as error:
        backend = filled.url.get_backend_name()
        raise MissingExtraError(
            f"{dataset}: {source.url} needs a driver that is not installed: {error}",
            next=f"pip install one for {backend}, and name it in the URL: {backend}+DRIVER://…",
        ) from error


def _failed(dataset: str, filled: Filled, error: SQLAlchemyError, *, reached: bool) -> InputError:
    said = str(getattr(error, "orig", None) or error).splitlines() or [type(error).__name__]
    what, next = (
        (f"the query over {filled.shown} failed", "mend the query, or make what it names")
        if reached
        else (f"{filled.shown} cannot be reached", "start the database, or mend the URL or what fills it in")
    )
    return InputError(f"{dataset}: {what}: {filled.hide(said[0])}", next=next)


def _dated(rows: pl.DataFrame, dates: tuple[str, ...], name: str) -> pl.DataFrame:
    """Times that the database keeps as text, as SQLite does, read as times."""
    found = []
    for column in dict.fromkeys(dates):
        if rows.schema.get(column) == pl.String:
            read, wrong = moment.read(rows[column])
            if wrong is None and read.null_count() > rows[column].null_count():
                wrong = int((read.is_null() & rows[column].is_not_null()).arg_true()[0])
            if wrong is not None:
                raise InputError(
                    f"{name}, row {wrong + 1}, column {column!r}: {rows[column][wrong]!r:.60} is no time like the rest",
                    next="select it as a timestamp, or as ISO 8601 text, with a zone in all rows or in none",
                )
            found.append(read)
    return rows.with_columns(found)


def _whole(connection: Connection, source: Sql, mark: Mark) -> Answer:
    """Every row that the query gives."""
    result = connection.execute(text(_statement(source)))
    return Answer(list(result.keys()), [tuple(row) for row in result], mark)


def _past(connection: Connection, dataset: str, source: Sql, mark: Mark) -> Answer:
    """The next rows in the order of the cursor, after those that may have come late: at the mark, or with a null."""
    column = connection.dialect.identifier_preparer.quote(str(source.cursor))
    known = mark.value is not None
    given = {"past": mark.value} if known else {}
    start = f"SELECT * FROM ({_statement(source)}) AS wanted WHERE {column}"
    at = f" = :past OR {column} IS NULL" if known else " IS NULL"
    result = connection.execute(text(f"{start}{at}"), given)
    names = list(result.keys())
    place = _position(names, str(source.cursor))
    late = [tuple(row) for row in result.fetchmany(LARGEST + 1)]
    if len(late) > LARGEST:
        raise _crowded(dataset, source, "null" + (f" or {mark.value}" if known else ""))
    beyond = " > :past" if known else " IS NOT NULL"
    result = connection.execute(text(f"{start}{beyond} ORDER BY {column}"), given)
    rows = [tuple(row) for row in result.fetchmany(LARGEST)]
    if len(rows) == LARGEST and result.fetchone() is not None:
        last = rows[-1][place]
        rows = [row for row in rows if row[place] != last]
        if not rows:
            raise _crowded(dataset, source, last)
    before = _digest(late)
    fresh = [*(late if before != mark.seen else ()), *rows]
    if not fresh:
        return Answer(names, [], mark)
    value, seen = mark.value, before
    if rows:
        value = rows[-1][place]
        seen = _digest([row for row in (*late, *rows) if row[place] is None or row[place] == value])
    return Answer(names, fresh, Mark(mark.count + 1, value, seen))


def _statement(source: Sql) -> str:
    return source.query.rstrip().rstrip(";")


def _digest(rows: Rows) -> str:
    """What tells some rows from others, in whichever order they come."""
    return hashlib.sha256("\n".join(sorted(map(repr, rows))).encode()).hexdigest()[:32]


def _crowded(dataset: str, source: Sql, value: Any) -> InputError:
    return InputError(
        f"{dataset}: more than {LARGEST:,} rows have {value} as their cursor {source.cursor!r}",
        next="take a column with fewer alike as Sql.cursor, or select coalesce(…) of two, or name no cursor",
    )


def _position(names: list[str], cursor: str) -> int:
    if cursor not in names:
        raise InputError(
            f"the query gives no column {cursor!r}, its cursor", next=f"select it beside {', '.join(names)}"
        )
    return names.index(cursor)
