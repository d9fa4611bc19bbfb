"""SQL as a source: rows of a query, past the largest value of its cursor that was read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl
from sqlalchemy import URL, Connection, NullPool, create_engine, make_url, text
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from argosy.data import ledger, load, moment
from argosy.data.ledger import Mark
from argosy.data.load import Load
from argosy.errors import InputError, MissingExtraError, UnknownError
from argosy.spec.source import Sql

LARGEST = 1_000_000
"""Rows of one answer at most; where a cursor is declared, the rest is asked for next time."""

_NAME = re.compile(r"\$\{(\w+)\}")


def read(
    dataset: str, source: Sql, mark: Mark, root: Path, environment: Mapping[str, str], dates: tuple[str, ...]
) -> list[Load]:
    """Ask the database for rows past `mark`. Nothing new gives no load. A SQLite file is looked for below `root`.

    Raises `UnknownError` for a `${NAME}` that the environment lacks and for a SQLite file that is not there,
    `MissingExtraError` for a driver that is not installed, `InputError` for a query that fails; none of them shows a
    password.
    """
    try:
        url = _placed(dataset, make_url(_filled(dataset, source.url, environment)), root)
        engine = create_engine(url, poolclass=NullPool, hide_parameters=True)
    except (ArgumentError, NoSuchModuleError) as error:
        raise InputError(
            f"{dataset}: {source.url} is no SQLAlchemy URL: {error}",
            next="write DIALECT+DRIVER://user:${PASSWORD}@host/database, such as 'postgresql+psycopg://…'",
        ) from None
    except ImportError as error:
        raise MissingExtraError(
            f"{dataset}: {source.url} needs a driver that is not installed: {error}",
            next=f"pip install one for {url.get_backend_name()}, and name it in the URL: "
            f"{url.get_backend_name()}+DRIVER://…",
        ) from error
    try:
        with engine.connect() as connection:
            rows, cursor = _rows(connection, source, mark)
    except SQLAlchemyError as error:
        shown = str(getattr(error, "orig", None) or error).splitlines()[0]
        raise InputError(
            f"{dataset}: the query failed: {shown}", next="mend the query, or reach the database"
        ) from None
    finally:
        engine.dispose()
    if rows.is_empty():
        return []
    keys = (ledger.mark_key(Mark(mark.count + 1, cursor)),) if source.cursor else ()
    shown = f"{url.render_as_string()} {cursor if source.cursor else ''}".strip()
    name = f"{dataset} (query)"
    given = Load(name, "query", shown, keys, _dated(rows, dates, name), repeats=source.cursor is None)
    return [load.settled(given, "UTC", dates)]


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


def _placed(dataset: str, url: URL, root: Path) -> URL:
    """The URL of a SQLite file with its whole path: opening one that is not there would make an empty one."""
    if url.get_backend_name() != "sqlite" or not url.database or url.database.startswith((":", "file:")):
        return url
    path = root / url.database
    if not path.is_file():
        raise UnknownError(
            f"{dataset}: there is no SQLite file {path}",
            next="mend its URL: sqlite:///PATH is relative to the project, sqlite:////PATH is not",
        )
    return url.set(database=str(path))


def _filled(dataset: str, url: str, environment: Mapping[str, str]) -> str:
    def value(match: re.Match[str]) -> str:
        if match[1] not in environment:
            raise UnknownError(f"{dataset}: {match[0]} of its URL is not set", next=f"export {match[1]}=…")
        return environment[match[1]]

    return _NAME.sub(value, url)
