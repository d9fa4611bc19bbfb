"""SQL as a source: rows of a query, from the largest value of its cursor that was read on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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
from argosy.spec.dataset import Dataset
from argosy.spec.source import Sql
from argosy.store import mask
from argosy.store.mask import Tags

LARGEST = 1_000_000
"""Rows of one answer at most; where a cursor is declared, the rest is asked for next time."""

Rows = Sequence[tuple[Any, ...]]


class Answer(msgspec.Struct, frozen=True):
    """Rows that may be new, the names of their columns, and how far the source is read once they are in.

    The first `late` of the rows may have been given before.
    """

    names: list[str]
    rows: Rows
    mark: Mark
    late: int = 0


def read(
    dataset: Dataset,
    source: Sql,
    mark: Mark,
    root: Path,
    environment: Mapping[str, str],
    unseen: Callable[[pl.DataFrame], pl.DataFrame],
) -> list[Load]:
    """Ask the database for rows that `mark` does not cover: those past it and, where there is now another number of
    rows at it or without a value, those of them that are `unseen`. Nothing new gives no load. A SQLite file is looked
    for below `root`.

    Raises `UnknownError` for a `${NAME}` that the environment lacks and for a SQLite file that is not there,
    `MissingExtraError` for a driver that is not installed, `InputError` for a query that fails and for more rows of
    one value of the cursor than one answer holds; none of them shows a password.
    """
    filled = url.fill(dataset.name, source.url, environment, root)
    engine, reached = _engine(dataset.name, source, filled), False
    try:
        with engine.connect() as connection:
            reached = True
            answer = _past(connection, dataset, source, mark) if source.cursor else _whole(connection, source, mark)
    except SQLAlchemyError as error:
        raise _failed(dataset.name, filled, error, reached=reached) from None
    finally:
        engine.dispose()
    keys = (ledger.mark_key(answer.mark),) if answer.mark != mark else ()
    if not answer.rows and not keys:
        return []
    at = mask.value(answer.mark.value, dataset.tags.get(source.cursor)) if source.cursor else ""
    given = Load(f"{dataset.name} (query)", "query", f"{filled.shown} {at}".strip(), keys, pl.DataFrame())
    if not answer.rows:
        return [given]
    dates = (dataset.time, dataset.known or dataset.time)
    rows = pl.DataFrame(answer.rows, schema=answer.names, orient="row", infer_schema_length=None)
    dated = _dated(rows, dates, given.name, dataset.tags)
    found = load.settled(
        msgspec.structs.replace(given, rows=dated, repeats=source.cursor is None), "UTC", dates, dataset.tags
    )
    if not answer.late:
        return [found]
    fresh = pl.concat([unseen(found.rows.head(answer.late)), found.rows.slice(answer.late)])
    return [msgspec.structs.replace(found, rows=fresh)] if fresh.height else [given] if keys else []


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


def _dated(rows: pl.DataFrame, dates: tuple[str, ...], name: str, tags: Tags) -> pl.DataFrame:
    """Times that the database keeps as text, as SQLite does, read as times."""
    found = []
    for column in dict.fromkeys(dates):
        if rows.schema.get(column) == pl.String:
            read, wrong = moment.read(rows[column])
            if wrong is None and read.null_count() > rows[column].null_count():
                wrong = int((read.is_null() & rows[column].is_not_null()).arg_true()[0])
            if wrong is not None:
                shown = mask.text(rows[column][wrong], tags.get(column))
                raise InputError(
                    f"{name}, row {wrong + 1}, column {column!r}: {shown} is no time like the rest",
                    next="select it as a timestamp, or as ISO 8601 text, with a zone in all rows or in none",
                )
            found.append(read)
    return rows.with_columns(found)


def _whole(connection: Connection, source: Sql, mark: Mark) -> Answer:
    """Every row that the query gives."""
    result = connection.execute(text(_statement(source)))
    return Answer(list(result.keys()), [tuple(row) for row in result], mark)


def _past(connection: Connection, dataset: Dataset, source: Sql, mark: Mark) -> Answer:
    """The next rows in the order of the cursor, after those at the mark or without a value where their number is
    another than it was: only these are counted each time."""
    column = connection.dialect.identifier_preparer.quote(str(source.cursor))
    known = mark.value is not None
    given, start = {"past": mark.value} if known else {}, f"FROM ({_statement(source)}) AS wanted WHERE {column}"
    at = f"{start} = :past OR {column} IS NULL" if known else f"{start} IS NULL"
    there, valued = connection.execute(text(f"SELECT count(*), count({column}) {at}"), given).one()
    nulls, late = there - valued, list[tuple[Any, ...]]()
    if there > LARGEST:
        raise _crowded(dataset, source, mark.value, null=True)
    if there != mark.seen:
        late = [tuple(row) for row in connection.execute(text(f"SELECT * {at}"), given).fetchmany(LARGEST)]
    beyond = " > :past" if known else " IS NOT NULL"
    result = connection.execute(text(f"SELECT * {start}{beyond} ORDER BY {column}"), given)
    names = list(result.keys())
    place = _position(names, str(source.cursor))
    rows = [tuple(row) for row in result.fetchmany(LARGEST)]
    if len(rows) == LARGEST and result.fetchone() is not None:
        last = rows[-1][place]
        rows = [row for row in rows if row[place] != last]
        if not rows:
            raise _crowded(dataset, source, last)
    value = rows[-1][place] if rows else mark.value
    seen = nulls + sum(row[place] == value for row in rows) if rows else there
    read = Mark(mark.count, value, seen)
    return Answer(names, [*late, *rows], read if read == mark else Mark(mark.count + 1, value, seen), len(late))


def _statement(source: Sql) -> str:
    return source.query.rstrip().rstrip(";")


def _crowded(dataset: Dataset, source: Sql, value: Any, *, null: bool = False) -> InputError:
    shown = [str(mask.value(value, dataset.tags.get(str(source.cursor))))] if value is not None else []
    alike = " or ".join([*(["null"] if null else []), *shown])
    return InputError(
        f"{dataset.name}: more than {LARGEST:,} rows have {alike} as their cursor {source.cursor!r}",
        next="take a column with fewer alike as Sql.cursor, or select coalesce(…) of two, or name no cursor",
    )


def _position(names: list[str], cursor: str) -> int:
    if cursor not in names:
        raise InputError(
            f"the query gives no column {cursor!r}, its cursor", next=f"select it beside {', '.join(names)}"
        )
    return names.index(cursor)
