"""A source: what the join and the online store need to know of a table of feature values."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Literal

import msgspec
import polars as pl

from argosy.errors import DeclarationError, InputError

Unit = Literal["us", "ns"]

_NS_LIMIT = (2**63 - 1) // 1_000


class Source(msgspec.Struct, frozen=True):
    """Rows of feature values, each true of one entity from one event on.

    `entity` are the key columns, shared by name and type with the spine or the request. `time` is the event time,
    `known` the time at which the row could first be read (None: at its event). `columns` are the values, in order.
    A value older than `ttl` at the moment of asking counts as null; an age of exactly `ttl` still counts.
    """

    name: str
    entity: tuple[str, ...]
    time: str
    known: str | None
    columns: tuple[str, ...]
    ttl: timedelta | None = None

    def __post_init__(self) -> None:
        if not self.entity:
            raise DeclarationError(f"source {self.name!r} has no entity column", next="name at least one key column")
        if not self.columns:
            raise DeclarationError(f"source {self.name!r} has no columns", next="name at least one value column")
        if self.ttl is not None and self.ttl < timedelta(0):
            raise DeclarationError(
                f"source {self.name!r}: ttl is {self.ttl}, it cannot be negative", next="give a ttl of zero or more"
            )

    @property
    def age(self) -> str:
        """Name of the column that holds the age of this source's answer."""
        return f"{self.name}.age"

    @property
    def needs(self) -> tuple[str, ...]:
        """Every column that a frame of this source must hold, each once."""
        known = () if self.known is None else (self.known,)
        return tuple(dict.fromkeys((*self.entity, self.time, *known, *self.columns)))


def read(source: Source, frame: pl.DataFrame | pl.LazyFrame) -> pl.DataFrame:
    """Collect the columns of `source` from `frame`, in row order; raise `InputError` where one is missing."""
    lazy = frame.lazy()
    schema = lazy.collect_schema()
    require(source.needs, schema.names(), f"source {source.name!r}")
    for column in source.entity:
        entity_type(schema[column], f"source {source.name!r}, column {column!r}")
    return lazy.select(source.needs).collect()


def require(needed: Iterable[str], present: Sequence[str], owner: str) -> None:
    """Raise `InputError` that names every needed column that is not present."""
    have = set(present)
    missing = [name for name in needed if name not in have]
    if missing:
        raise InputError(
            f"{owner}: missing column{'s' if len(missing) > 1 else ''} {', '.join(map(repr, missing[:10]))}",
            next=f"it has {', '.join(map(repr, list(present)[:20]))}",
        )


def entity_type(dtype: pl.DataType, owner: str) -> None:
    """Raise `InputError` unless values of `dtype` can name an entity: whole numbers, texts, truth values."""
    if not (dtype.is_integer() or dtype in (pl.String, pl.Categorical, pl.Enum, pl.Boolean, pl.Null)):
        raise InputError(f"{owner}: {dtype} cannot name an entity", next="use a whole number, a text or a boolean")


def units(frame: pl.DataFrame, columns: Iterable[str], owner: str) -> list[Unit]:
    """The unit of each of these times; raises `InputError` for one that is not a datetime with a time zone."""
    found: list[Unit] = []
    for column in columns:
        dtype = frame.schema[column]
        if not isinstance(dtype, pl.Datetime) or dtype.time_zone is None:
            raise InputError(
                f"{owner}, column {column!r}: {dtype} is not a datetime with a time zone",
                next=f"say which zone it is: pl.col({column!r}).dt.replace_time_zone('UTC')",
            )
        found.append("ns" if dtype.time_unit == "ns" else "us")
    return found


def finest(*groups: Iterable[Unit]) -> Unit:
    """Microseconds, or nanoseconds if any of the units is that fine."""
    return "ns" if any(unit == "ns" for group in groups for unit in group) else "us"


def ticks(column: str, dtype: pl.DataType, unit: Unit) -> pl.Expr:
    """Expression for a zoned datetime as whole `unit`s since 1970 UTC (Int64).

    A coarser time that nanoseconds cannot hold (after 2262) is clipped to the last one they can.
    """
    physical = pl.col(column).to_physical()
    held = dtype.time_unit if isinstance(dtype, pl.Datetime) else unit
    if held == "ms":
        physical = physical * 1_000
    if unit == "ns" and held != "ns":
        physical = physical.clip(-_NS_LIMIT, _NS_LIMIT) * 1_000
    return physical
