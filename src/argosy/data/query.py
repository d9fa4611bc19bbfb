"""SQL as a source: rows of a query, past the largest value of its cursor that was read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

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


def read(
    dataset: str, source: Sql, mark: Mark, root: Path, environment: Mapping[str, str], dates: tuple[str, ...]
) -> list[Load]:
    """Ask the database for rows past `mark`. Nothing new gives no load. A SQLite file is looked for below `root`.

    Raises `UnknownError` for a `${NAME}` that the environment lacks and for a SQLite file that is not there,
    `MissingExtraError` for a driver that is not installed, `InputError` for a query that fails; none of them shows a
    password.
    """
    filled = url.fill(dataset, source.url, environment, root)
    engine, reached = _engine(dataset, source, filled), False
    try:
        with engine.connect() as connection:
            reached = True
            rows, cursor = _rows(connection, source, mark)
    except SQLAlchemyError as error:
        raise _failed(dataset, filled, error, reached=reached) from None
    finally:
        engine.dispose()
    if rows.is_empty():
        return []
    keys = (ledger.mark_key(Mark(mark.count + 1, cursor)),) if source.cursor else ()
    shown = f"{filled.shown} {cursor if source.cursor else ''}".strip()
    name = f"{dataset} (query)"
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


def _rows(connection: Connection, source: Sql, mark: Mark) -> tuple[pl.DataFrame, Any]:
    """The next rows and the largest value of the cursor among them."""
    statement, parameters = source.query.rstrip().rstrip(";"), {}
    if source.cursor is not None:
        cursor = connection.dialect.identifier_preparer.quote(source.cursor)
        past = f" WHERE {cursor} > :past" if mark.value is not None else ""
        statement = f"SELECT * FROM ({statement}) AS wanted{past} ORDER BY {cursor}"
        parameters = {"past": mark.value} if past else {}
    result = connection.execute(text(statement), parameters)
    names = list(result.keys())
    rows = result.fetchmany(LARGEST) if source.cursor else result.fetchall()
    last = None
    if source.cursor is not None and rows:
        at = _position(names, source.cursor)
        if len(rows) == LARGEST and result.fetchone() is not None:
            rows = [row for row in rows if row[at] != rows[-1][at]] or rows
        last = rows[-1][at]
    return pl.DataFrame([tuple(row) for row in rows], schema=names, orient="row", infer_schema_length=None), last


def _position(names: list[str], cursor: str) -> int:
    if cursor not in names:
        raise InputError(
            f"the query gives no column {cursor!r}, its cursor", next=f"select it beside {', '.join(names)}"
        )
    return names.index(cursor)
