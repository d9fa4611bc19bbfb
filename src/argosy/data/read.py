"""Reading the rows of a dataset at a version, and appending to datasets that the system itself fills."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime

import polars as pl
from sqlalchemy import Connection

from argosy.data import dtype, part
from argosy.data.compact import compact
from argosy.data.part import Layout
from argosy.errors import InputError, UnknownError
from argosy.spec.quantity import plural
from argosy.store import Store, datasets, edges, events, executions
from argosy.store.datasets import ROWS, NewPart, NewVersion, Version


def scan(
    conn: Connection,
    store: Store,
    dataset: str,
    number: int | None = None,
    *,
    low: datetime | None = None,
    high: datetime | None = None,
    since: int = 0,
    latest: bool = False,
    purpose: str = ROWS,
) -> pl.LazyFrame:
    """The rows of version `number` (the latest unless given), those of versions <= `since` left out.

    All columns of the version, in its types: a column that a part does not have yet is null in its rows. With
    `low`/`high`, only rows whose event time lies within [low, high]. A row that was corrected occurs once for each
    known time, unless `latest` asks for what became known last of each key alone. Rows come in order of arrival.
    `purpose` other than `rows` reads what was set aside: `quarantine`, `rejected`.
    Raises `UnknownError` without such a version, `CorruptError` where a part does not match its content address.
    """
    version = datasets.version(conn, dataset, number)
    if version is None:
        wanted = dataset if number is None else f"{dataset}@{number}"
        raise UnknownError(f"there is no version {wanted}", next="argosy get datasets, to see what there is")
    span = {} if latest else {"low": low, "high": high}  # a correction may have moved its row out of the span
    if purpose == ROWS:
        parts = datasets.cover(conn, dataset, version.number, since=since, **span)
    else:
        parts = datasets.parts(conn, dataset, version.number, purpose=purpose, since=since, **span)
    types = dtype.parse_all(version.columns)
    if not parts:
        return pl.LazyFrame(schema=types)
    layout = part.origin(parts[-1]).layout
    rows = part.frame(store.blobs, parts, None if purpose != ROWS else types)
    if latest:
        rows = newest(rows, layout, distinct=not since and part.distinct(parts, layout))
    if low is not None:
        rows = rows.filter(pl.col(layout.time) >= dtype.instant(low))
    if high is not None:
        rows = rows.filter(pl.col(layout.time) <= dtype.instant(high))
    return rows


def newest(rows: pl.LazyFrame, layout: Layout, *, distinct: bool = False) -> pl.LazyFrame:
    """Of the rows of one key, the one that became known last, in that order; all rows where there is no key.

    `distinct` says that each key occurs once.
    """
    if not layout.key:
        return rows
    ordered = rows.sort(layout.knowing, maintain_order=True)
    return ordered if distinct else ordered.unique(layout.key, keep="last", maintain_order=True)


def append(
    store: Store,
    dataset: str,
    rows: pl.DataFrame | Iterable[pl.DataFrame],
    *,
    time: str,
    sources: Sequence[str],
    now: datetime,
    cause: str,
    known: str | None = None,
    key: Sequence[str] = (),
    actor: str = "controller",
    execution: executions.NewExecution | None = None,
    inputs: Sequence[tuple[str, str]] = (),
    work: Callable[[Connection, Version], None] | None = None,
) -> Version:
    """Add rows as they are to a dataset that the system fills: recorded predictions, materialised features.

    Rows that come in pieces are held a piece at a time, and are one version all the same. `sources` are what the rows
    came from, each taken once and for all: `ConflictError` if one is in already. `execution` with its `inputs`, pairs
    of kind and reference, is recorded as what made the version; `work` is the caller's share of the same transaction.
    Categories are stored as text. Raises `InputError` where the columns do not fit those of the dataset, or cannot be
    stored.
    """
    layout = Layout(time, known, tuple(key))
    parts: list[NewPart] = []
    types, until, count = dtype.Types(), None, 0
    for piece in [rows] if isinstance(rows, pl.DataFrame) else rows:
        each = dtype.storable(piece, dataset)
        instants(each, (time, layout.knowing), dataset)
        parts += part.write(store.blobs, each, layout, sources)
        types, until = union(dataset, types, each.schema), later(until, each, layout.knowing)
        count += each.height
    with store.write() as tx:
        last = datasets.version(tx, dataset)
        (run,) = executions.record(tx, [execution]) if execution is not None else (None,)
        new = NewVersion(
            dataset=dataset,
            at=now,
            parts=parts,
            columns=dtype.names(union(dataset, dtype.parse_all(last.columns) if last else {}, types)),
            sources=sources,
            known_until=max(filter(None, (last.known_until if last else None, until)), default=None),
            execution_id=run,
            cause=cause,
        )
        version = datasets.commit(tx, new)
        reference = f"{dataset}@{version.number}"
        if run is not None:
            read = [edges.Edge(execution_id=run, direction=edges.IN, kind=kind, reference=ref) for kind, ref in inputs]
            made = edges.Edge(execution_id=run, direction=edges.OUT, kind="dataset", reference=reference)
            edges.add(tx, [*read, made])
        message = f"{reference}: {plural(count, 'row')} added ({cause})"
        events.add(
            tx, [events.NewEvent(at=now, kind="dataset.appended", subject=dataset, actor=actor, message=message)]
        )
        if work is not None:
            work(tx, version)
    compact(store, version, now)
    return version


def union(dataset: str, known: Mapping[str, pl.DataType], given: Mapping[str, pl.DataType]) -> dtype.Types:
    """The columns of both, each in the type that holds the values of both; raises `InputError` where none does."""
    types = dict(known)
    for column, kind in given.items():
        held = types.get(column, kind)
        wide = dtype.wider(held, kind)
        if wide is None:
            raise InputError(
                f"{dataset}: column {column!r} is {kind}, but {held} in the versions before",
                next=f"cast it to {held}, or give the new column another name",
            )
        types[column] = wide
    return types


def instants(rows: pl.DataFrame, columns: Sequence[str], dataset: str) -> None:
    """Raise `InputError` unless each of the columns is there and holds UTC times to the microsecond."""
    for column in dict.fromkeys(columns):
        found = rows.schema.get(column)
        if found != dtype.INSTANT:
            raise InputError(
                f"{dataset}: column {column!r} is {found or 'missing'}, not {dtype.INSTANT}",
                next=f"pl.col({column!r}).dt.convert_time_zone('UTC').dt.cast_time_unit('us')",
            )


def later(until: datetime | None, rows: pl.DataFrame, column: str) -> datetime | None:
    """The later of a time and the largest of a column."""
    largest = rows[column].max()
    found = largest if isinstance(largest, datetime) else None
    return max(filter(None, (until, found)), default=None)
