"""Times of rows to score, brought to UTC."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from argosy.data import moment
from argosy.data.dtype import INSTANT
from argosy.errors import InputError

_ZONED = r"^\d{4}-\d{2}-\d{2}.*(Z|z|UTC|[+-]\d{2}(:?\d{2})?)$"


def instants(rows: pl.DataFrame, names: Iterable[str], zone: str | None, first: int = 0) -> pl.DataFrame:
    """The rows with those of some columns that are there in UTC; times without an offset are read in `zone`.

    Raises InputError for one without an offset where no zone is given, for one that the zone skipped, and for text that
    is no time. `first` is the number of the first row.
    """
    return rows.with_columns(_instant(rows[name], zone, first) for name in names if name in rows.columns)


def _instant(column: pl.Series, zone: str | None, first: int) -> pl.Series:
    told, bare = pl.Series(column.name, [None], INSTANT).new_from_index(0, column.len()), column
    if column.dtype == pl.String:
        zoned = column.str.contains(_ZONED).fill_null(False)
        told, bare = _read(column.set(~zoned, None), first), _read(column.set(zoned, None), first)
    elif isinstance(column.dtype, pl.Datetime) and column.dtype.time_zone is not None:
        return column.dt.convert_time_zone("UTC").dt.cast_time_unit("us")
    elif column.dtype != pl.Date and not isinstance(column.dtype, pl.Datetime):
        return column
    if bare.null_count() == bare.len():
        return told.cast(INSTANT)
    bare = bare.cast(pl.Datetime("us"))
    where = f"column {column.name!r} holds {bare.drop_nulls()[0]}"
    if zone is None:
        raise InputError(f"{where}, wanted a time with its offset", next="write 2013-04-01T12:00:00Z")
    made = bare.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null").dt.convert_time_zone("UTC")
    lost = made.is_null() & bare.is_not_null()
    if lost.any():
        raise InputError(
            f"column {column.name!r} holds {bare.filter(lost)[0]} in row {_row(lost, first)}, "
            f"which does not exist in {zone}",
            next="write it with its offset",
        )
    return told.cast(INSTANT).zip_with(told.is_not_null(), made)


def _read(texts: pl.Series, first: int) -> pl.Series:
    """Texts as times; all that are not null carry a zone, or none does."""
    read, _ = moment.read(texts)
    lost = read.is_null() & texts.is_not_null()
    if lost.any():
        raise InputError(
            f"column {texts.name!r} holds {texts.filter(lost)[0][:40]!r}, wanted a time with its offset "
            f"(row {_row(lost, first)})",
            next="write 2013-04-01T12:00:00Z",
        )
    return read


def _row(lost: pl.Series, first: int) -> int:
    """The number of the first row that is lost, as people count them."""
    return first + int(lost.arg_true()[0]) + 1
