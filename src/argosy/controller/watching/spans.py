"""Windows of whole days: counted once from the answered rows, recounted when more of a day's rows come in."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import msgspec
import polars as pl
from sqlalchemy import Connection

from argosy.monitoring.bins import Bins, Boolean, Category, Feature, Numeric
from argosy.monitoring.count import count as count_rows
from argosy.monitoring.window import Windows, merge
from argosy.spec import duration
from argosy.store import datasets, windows
from argosy.store.store import Store

POOLED = "*"
LIVE = "live"
_DAY = timedelta(days=1)
_TYPES: dict[type, pl.DataType] = {Numeric: pl.Float64(), Category: pl.String(), Boolean: pl.Boolean()}
"""In what type a server records the values of a feature with such bins."""


class Counted(msgspec.Struct, frozen=True):
    """The rows of one day, counted: every member that answered, and all of them together as `*`."""

    day: datetime
    table: Windows
    rows: int


def count(conn: Connection, store: Store, fleet: str, rows: pl.DataFrame, bins: Bins, now: datetime) -> list[Counted]:
    """The days among `rows` whose recorded window holds fewer rows, counted anew.

    The first day may be there in part: what of it was counted before is not forgotten.
    """
    columns = [_column(feature, rows.schema) for feature in bins.features]
    days = rows.with_columns(*columns, day=pl.col("at").dt.truncate("1d"))
    low = days["day"].min()
    if not isinstance(low, datetime):
        return []
    known = {each.start: each for each in windows.between(conn, fleet, LIVE, low, now + _DAY)}
    found = []
    for (day,), part in days.partition_by("day", as_dict=True, maintain_order=True).items():
        assert isinstance(day, datetime)
        before = known.get(day)
        if before is not None and before.rows >= part.height:
            continue
        keys = sorted(part["member"].unique())
        codes = part["member"].replace_strict(keys, range(len(keys)), return_dtype=pl.Int64).to_numpy()
        counted = count_rows(part, keys, codes, bins, prediction="prediction")
        found.append(Counted(day.astimezone(UTC), merge(counted, counted.together(POOLED)), part.height))
    return found


def retyped(name: str, dtype: pl.DataType) -> str:
    """The column of recorded predictions that holds a feature's values where `name` holds some of another type."""
    return f"{name} as {dtype}"


def _column(feature: Feature, schema: pl.Schema) -> pl.Expr:
    """The values of a feature in the type that its bins count, null where there are none of it."""
    dtype = _TYPES[type(feature)]
    other = retyped(feature.name, dtype)
    if other in schema:
        return pl.col(other).alias(feature.name)
    held = schema.get(feature.name, pl.Null())
    alike = held == dtype or (held.is_numeric() and dtype.is_numeric())
    return pl.col(feature.name) if alike else pl.lit(None, dtype).alias(feature.name)


def within(
    conn: Connection, store: Store, fleet: str, bins: Bins, counted: Sequence[Counted], now: datetime, span: str
) -> Windows:
    """The windows of all days that lie within the last `span`, added up; empty until they reach back over half of it.

    Two days of a fortnight are no fortnight: a weekday alone would look like drift.
    """
    low = (now - duration.parse(span)).replace(hour=0, minute=0, second=0, microsecond=0)
    fresh = {each.day: each.table for each in counted if each.day >= low}
    known = [each for each in windows.between(conn, fleet, LIVE, low, now + _DAY) if each.start not in fresh]
    tables = fresh | {each.start: Windows.from_bytes(store.blobs.get(each.digest)) for each in known}
    same = {day: table for day, table in tables.items() if table.digest == bins.digest}
    if min(same, default=now) > now - duration.parse(span) / 2:
        return Windows.empty(bins)
    return merge(Windows.empty(bins), *same.values())


def put(
    store: Store, fleet: str, counted: Sequence[Counted], version: datasets.Version | None, now: datetime
) -> list[windows.NewWindow]:
    """Write windows as blobs; `record` makes them facts."""
    return [
        windows.NewWindow(
            fleet=fleet, start=each.day, stop=each.day + _DAY, kind=LIVE, digest=store.blobs.put(each.table.to_bytes()),
            rows=each.rows, at=now, dataset_version=version.number if version else 0,
        )
        for each in counted
    ]  # fmt: skip


def record(tx: Connection, facts: Sequence[windows.NewWindow]) -> None:
    """Make windows facts, in the caller's transaction."""
    windows.add(tx, facts)
