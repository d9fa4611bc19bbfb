"""Windows of whole days: what came in since a day was counted is counted on top; days that did not change stay."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import msgspec
import polars as pl
from sqlalchemy import Connection

from argosy.controller.plan import predictions
from argosy.controller.watching import unknown
from argosy.controller.watching.answered import ANSWERED, answers, once
from argosy.controller.watching.asked import DAY, midnight
from argosy.controller.watching.kept import Kept
from argosy.data.dtype import parse_all
from argosy.data.part import frame
from argosy.monitoring.bins import Bins, Boolean, Category, Feature, Numeric
from argosy.monitoring.count import count_members
from argosy.monitoring.window import Windows, merge
from argosy.spec import duration
from argosy.store import datasets, windows
from argosy.store.store import Store

LIVE, ONE_IN = "live", "one_in"
"""The kind of these windows, and the column that says of how many rows a recorded one was drawn."""
_STANDS = "stands for"
_TYPES: dict[type, pl.DataType] = {Numeric: pl.Float64(), Category: pl.String(), Boolean: pl.Boolean()}
"""In what type a server records the values of a feature with such bins."""


class Day(msgspec.Struct, frozen=True):
    """The rows of one day, counted: every member that answered, and all of them together as `*`.

    `fresh` says that rows were counted that no recorded window holds.
    """

    table: Windows
    rows: int
    fresh: bool = False


def days(
    conn: Connection, store: Store, kept: Kept, fleet: str, version: datasets.Version, rows: pl.DataFrame, bins: Bins
) -> dict[datetime, Day]:
    """The windows of the days of `rows`, which are all rows of these days that `version` holds.

    Members are those of `rows`; whatever other key a row was recorded with, it counts as the pooled model's.
    A day is read only where its recorded window holds fewer rows, and of that day only what versions since have added.
    A window that was counted on other bins is counted anew when rows are added.
    """
    size = rows.group_by(pl.col("at").dt.truncate("1d").alias("day")).len()
    if size.is_empty():
        return {}
    sizes: dict[datetime, int] = {day.astimezone(UTC): count for day, count in size.iter_rows()}
    facts = windows.between(conn, fleet, LIVE, min(sizes), max(sizes) + DAY)
    found = {each.start: Day(_table(store, kept, each), each.rows) for each in facts}
    since = {each.start: each.dataset_version if found[each.start].table.digest == bins.digest else 0 for each in facts}
    groups: dict[int, list[datetime]] = {}
    for day, count in sizes.items():
        if day not in found or found[day].rows < count:
            groups.setdefault(since.get(day, 0), []).append(day)
    known = rows["member"].unique().to_list() if groups else []
    for number, some in groups.items():
        for day, fresh in _counted(conn, store, kept, fleet, version, bins, number, some, known).items():
            before = [found[day].table] if number else []
            found[day] = Day(merge(fresh, *before), sizes[day], fresh=True)
    return found


def _table(store: Store, kept: Kept, fact: windows.Window) -> Windows:
    return kept.of(
        ("window", fact.digest), lambda: Windows.from_bytes(store.blobs.get(fact.digest)), lambda table: table.nbytes
    )


def _counted(
    conn: Connection, store: Store, kept: Kept, fleet: str, version: datasets.Version, bins: Bins, since: int,
    some: Sequence[datetime], known: Sequence[str],
) -> dict[datetime, Windows]:  # fmt: skip
    """What versions after `since` added to some days."""
    low, high = min(some), max(some) + DAY
    types = parse_all(version.columns)
    columns = [column(feature, types) for feature in bins.features]
    parts = datasets.cover(conn, predictions(fleet), version.number, since=since, low=low, high=high)
    given = frame(store.blobs, parts, types) if parts else pl.LazyFrame(schema=types)
    day = pl.col("at").dt.truncate("1d").alias("day")
    given = given.filter(ANSWERED, day.is_in(list(some)))
    stands = pl.col(ONE_IN).fill_null(1) if ONE_IN in types else pl.lit(1)
    rows = once(given.select("row_key", "member", "at", "prediction", day, *columns, stands.alias(_STANDS)).collect())
    if since:
        before = answers(conn, store, fleet, low, high, number=since, kept=kept).filter(pl.col("row_key") != "")
        rows = rows.join(before, on=["row_key", "at"], how="anti", maintain_order="left")
    found = {}
    for (each,), part in unknown.pool(rows, known).partition_by("day", as_dict=True).items():
        assert isinstance(each, datetime)
        found[each.astimezone(UTC)] = count_members(part, bins, prediction="prediction", weight=_STANDS).with_total()
    return found


def retyped(name: str, dtype: pl.DataType) -> str:
    """The column of recorded predictions that holds a feature's values where `name` holds some of another type."""
    return f"{name} as {dtype}"


def column(feature: Feature, schema: Mapping[str, pl.DataType]) -> pl.Expr:
    """The recorded values of a feature in the type that its bins count, null where there are none of it."""
    dtype = _TYPES[type(feature)]
    name = f"feature.{feature.name}" if f"feature.{feature.name}" in schema else feature.name
    other = retyped(name, dtype)
    if other in schema:
        return pl.col(other).alias(feature.name)
    held = schema.get(name, pl.Null())
    alike = held == dtype or (held.is_numeric() and dtype.is_numeric())
    return pl.col(name).alias(feature.name) if alike else pl.lit(None, dtype).alias(feature.name)


def within(found: Mapping[datetime, Day], bins: Bins, now: datetime, span: str) -> Windows:
    """The windows of all days that lie within the last `span`, added up; empty until they reach back over half of it.

    Two days of a fortnight are no fortnight: a weekday alone would look like drift.
    """
    same = _counting(found, bins, now, span)
    return merge(Windows.empty(bins), *(() if short(found, bins, now, span) else same.values()))


def short(found: Mapping[datetime, Day], bins: Bins, now: datetime, span: str) -> datetime | None:
    """Since when rows are counted, where they do not yet reach back over half of `span`; else None."""
    first = min(_counting(found, bins, now, span), default=None)
    return first if first is not None and first > now - duration.parse(span) / 2 else None


def _counting(found: Mapping[datetime, Day], bins: Bins, now: datetime, span: str) -> dict[datetime, Windows]:
    low = midnight(now - duration.parse(span))
    return {day: each.table for day, each in found.items() if day >= low and each.table.digest == bins.digest}


def put(
    store: Store, fleet: str, found: Mapping[datetime, Day], version: datasets.Version, now: datetime
) -> list[windows.NewWindow]:
    """Write the windows of days that changed as blobs, ready to become facts."""
    return [
        windows.NewWindow(
            fleet=fleet, start=day, stop=day + DAY, kind=LIVE, digest=store.blobs.put(each.table.to_bytes()),
            rows=each.rows, at=now, dataset_version=version.number,
        )
        for day, each in found.items()
        if each.fresh
    ]  # fmt: skip
