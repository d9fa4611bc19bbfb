"""Loads: what one source delivered, with its times in UTC, and the keys under which it is never read again."""

from __future__ import annotations

from collections.abc import Container

import msgspec
import polars as pl

from argosy.data.dtype import INSTANT, storable
from argosy.errors import InputError
from argosy.store import mask
from argosy.store.mask import Tags

ONE_ZONE = "write every time of the column with a zone ('2024-05-01T12:00:00Z'), or none, in all files"
"""What to do about a column of which some times carry a zone and some do not."""


class Load(msgspec.Struct, frozen=True):
    """The rows of one source. `name` is for messages, `kind` and `reference` name the source in the lineage.

    `keys` are recorded once the rows are in. `naive` are the columns whose times carried no zone, `zoned` those
    that carried one; a column without a value is in neither.
    """

    name: str
    kind: str
    reference: str
    keys: tuple[str, ...]
    rows: pl.DataFrame
    naive: frozenset[str] = frozenset()
    zoned: frozenset[str] = frozenset()
    repeats: bool = False


def settled(load: Load, zone: str, dates: Container[str], tags: Tags) -> Load:
    """The load with every moment as UTC to the microsecond; times without a zone are read in `zone`.

    Columns named in `dates` that hold dates become midnights of that zone. Categories become text. Raises
    `InputError` for a type that cannot be stored and for a wall-clock time that the zone skipped; of one that it had
    twice, the first is taken.
    """
    load = msgspec.structs.replace(load, rows=storable(load.rows, load.name))
    naive, zoned, exprs = set(load.naive), set(load.zoned), []
    for column, dtype in load.rows.schema.items():
        moment = isinstance(dtype, pl.Datetime) or (dtype == pl.Date and column in dates)
        if not moment or dtype == INSTANT:
            if dtype == INSTANT and column not in naive and load.rows[column].null_count() < load.rows.height:
                zoned.add(column)
            continue
        given = isinstance(dtype, pl.Datetime) and dtype.time_zone is not None
        if load.rows[column].null_count() < load.rows.height:
            (zoned if given else naive).add(column)
        local = pl.col(column).cast(pl.Datetime("us")) if not given else pl.col(column).dt.cast_time_unit("us")
        if not given:
            local = local.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
        exprs.append(local.dt.convert_time_zone("UTC"))
    try:
        rows = load.rows.with_columns(exprs)
    except pl.exceptions.ComputeError as error:
        raise InputError(
            f"{load.name}: times cannot be read in zone {zone!r}: {error}", next="name a zone such as 'Europe/Berlin'"
        ) from error
    _skipped(load, rows, naive, zone, tags)
    return msgspec.structs.replace(load, rows=rows, naive=frozenset(naive), zoned=frozenset(zoned))


def agreed(load: Load, naive: frozenset[str], zoned: frozenset[str]) -> None:
    """Raise `InputError` where a column's times carry a zone here and carried none before, or the reverse."""
    for column in sorted((load.naive & zoned) | (load.zoned & naive)):
        here, before = ("no time zone", "one") if column in load.naive else ("a time zone", "none")
        raise InputError(
            f"{load.name}: the times of column {column!r} carry {here}; those read before carried {before}",
            next=ONE_ZONE,
        )


def _skipped(load: Load, rows: pl.DataFrame, naive: set[str], zone: str, tags: Tags) -> None:
    for column in sorted(naive & set(rows.columns)):
        lost = rows[column].null_count() - load.rows[column].null_count()
        if lost > 0:
            index = (rows[column].is_null() & load.rows[column].is_not_null()).arg_true()[0]
            shown = mask.value(load.rows[column][index], tags.get(column))
            raise InputError(
                f"{load.name}: column {column!r}, row {index + 1}: {shown} does not exist in "
                f"{zone}, which set its clocks forward then ({lost} such)",
                next="name the zone in which the times were written, or write them in UTC with a zone",
            )
