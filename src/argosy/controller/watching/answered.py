"""What a fleet answered, and the labels that have arrived since."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
from sqlalchemy import Connection

from argosy.controller.plan import predictions
from argosy.controller.watching.kept import Kept
from argosy.data.dtype import INSTANT, instant, parse_all
from argosy.data.part import frame
from argosy.monitoring.performance import join_labels
from argosy.spec.dataset import Dataset
from argosy.spec.fleet import Fleet
from argosy.store import datasets
from argosy.store.datasets import Part
from argosy.store.store import Store

_TYPES: dict[str, pl.DataType] = {
    "row_key": pl.String(), "member": pl.String(), "at": INSTANT, "version": pl.String(), "prediction": pl.Float64(),
}  # fmt: skip
_ROUTED = _TYPES | {"route": pl.String()}
SHADOW = "shadow"
"""The route of rows that a version scored beside the one that answered them."""
RULED = "caller"
"""The route of rows that a version answered by a rule for who asked."""
ANSWERED = pl.col("prediction").is_not_null() & pl.col("route").ne_missing(SHADOW)
"""Of recorded rows, those that their version answered: it did not fail on them, and no shadow scored them."""
_COLUMNS = [
    *(pl.col(name) for name in _TYPES),
    pl.col("route").is_in(["canary", "challenger", RULED]).fill_null(False).alias("on_trial"),
    pl.col("route").eq_missing(RULED).alias("ruled"), pl.col("route").eq_missing(SHADOW).alias("shadow"),
]  # fmt: skip
REACH = timedelta(days=1)
"""How much earlier than the row was answered its event may lie: a spine is read from then on."""


def answers(
    conn: Connection, store: Store, fleet: str, low: datetime, high: datetime, *, number: int | None = None,
    kept: Kept | None = None,
) -> pl.DataFrame:  # fmt: skip
    """Rows answered with a decision time in [low, high): `row_key`, `member`, `at`, `version`, `prediction`.

    Each once, in order of arrival: a request that was repeated counts as one. Rows that their version failed on are
    none of them, nor are those of shadows: see `arrived`. `number` is the version of the recorded predictions (default:
    the latest).
    """
    if number is None:
        version = datasets.version(conn, predictions(fleet))
        number = version.number if version is not None else 0
    parts = datasets.parts(conn, predictions(fleet), number, low=low, high=high)
    rows = _read(store, kept or Kept(), parts, ("answers",), _ROUTED, _COLUMNS)
    mine = (pl.col("at") >= instant(low), pl.col("at") < instant(high), pl.col("prediction").is_not_null())
    return once(rows.filter(*mine, ~pl.col("shadow")).select(*_TYPES))


def once(rows: pl.DataFrame, by: Sequence[str] = ("row_key", "at")) -> pl.DataFrame:
    """Of rows that were asked for again, and so are the same `by` these columns, the first; rows without a key stay."""
    named = rows["row_key"].fill_null("") != ""
    if named.all():
        return rows.unique(by, keep="first", maintain_order=True)
    return pl.concat([once(rows.filter(named), by), rows.filter(~named)])


def arrived(
    conn: Connection, store: Store, fleet: str, since: datetime, *, number: int, kept: Kept | None = None
) -> pl.DataFrame:  # fmt: skip
    """Rows that came in at `since` or later, whatever their decision time, answered or not.

    The columns of `answers`, `on_trial` (a version was to answer that not every row gets), `ruled` (by a rule for who
    asked), `shadow` (the version scored the row beside the one that was to answer it) and `arrived` (when the version
    of the recorded predictions was committed that it came with, of those up to `number`). Without a `prediction` are
    rows that their version failed on. A row that was asked for again is there again: see `tried`.
    """
    return _arrived(conn, store, fleet, since, number, kept or Kept(), "answers", _ROUTED, _COLUMNS)


def _arrived(
    conn: Connection, store: Store, fleet: str, since: datetime, number: int, kept: Kept, tag: str,
    types: dict[str, pl.DataType], columns: Sequence[pl.Expr],
) -> pl.DataFrame:  # fmt: skip
    name = predictions(fleet)
    came = datasets.commits(conn, name, since, number)
    parts = datasets.parts(conn, name, number, since=min(came) - 1) if came else []
    rows = _read(store, kept, parts, (tag,), types, columns)
    times = pl.Series("arrived", [came[part.from_version] for part in parts], dtype=INSTANT)
    return rows.with_columns(times.gather(np.repeat(np.arange(len(parts)), [part.rows for part in parts])))


def requests(
    conn: Connection, store: Store, fleet: str, since: datetime, *, number: int, kept: Kept
) -> pl.DataFrame:  # fmt: skip
    """As `arrived`, with what each row's request took as `latency_us`, null where that was not recorded.

    The `row_key` is the id of the request.
    """
    timed = pl.col("request_id").alias("row_key"), pl.col("latency_us")
    columns = [*timed, *(pl.col(name) for name in _TYPES if name != "row_key"), *_COLUMNS[-2:]]
    types = _ROUTED | {"request_id": pl.String(), "latency_us": pl.Int64()}
    return _arrived(conn, store, fleet, since, number, kept, "requests", types, columns)


def tried(rows: pl.DataFrame, by: Sequence[str] = ()) -> pl.DataFrame:
    """Of rows that came in, each once for each version (and each of `by`) that answered it, or `failed` on it."""
    return once(rows.with_columns(failed=pl.col("prediction").is_null()), ("row_key", "at", "version", "failed", *by))


def labelled(
    conn: Connection, store: Store, kept: Kept, fleet: Fleet, spine: Dataset, version: datasets.Version | None,
    rows: pl.DataFrame, now: datetime, *, unit: str | None = None,
) -> pl.DataFrame:  # fmt: skip
    """The answered rows with their `label`: null where it is not known at `now`, or the spine has no single key.

    Labels are those of a `version` of the spine. Where `unit`, a column of it, is given, each row gets the value that
    it has there as text, in the column `unit`; null where there is none.
    """
    low = rows["at"].min()
    if version is None or not isinstance(low, datetime) or len(spine.key) != 1:
        none = rows.with_columns(label=pl.lit(None, pl.Float64))
        return none if unit is None else none.with_columns(unit=pl.lit(None, pl.String))
    (key,), label, known = spine.key, fleet.label.column, fleet.label.known_at
    columns = [pl.col(key).cast(pl.String).alias("row_key"), pl.col(label).cast(pl.Float64).alias("label")]
    columns += [pl.col(spine.time).alias("event"), *([pl.col(known).alias("known")] if known else [])]
    held = parse_all(version.columns)
    if unit is not None:
        named = pl.col(unit).cast(pl.String) if unit in held else pl.lit(None, pl.String)
        columns.append(named.alias("unit"))
    types = {name: held[name] for name in (key, label, known, spine.time, unit) if name in held}
    parts = datasets.parts(conn, spine.name, version.number, low=low - REACH)
    told = _read(store, kept, parts, ("labels", key, label, known, spine.time, unit), types, columns)
    told = told.filter(pl.col("event") >= instant(low - REACH))
    if known:
        told = told.filter(pl.col("known") <= instant(now))
    found = join_labels(rows, told.drop_nulls("label"), "row_key")
    if unit is None:
        return found
    units = told.select("row_key", "unit").unique("row_key", keep="last")
    return found.join(units, on="row_key", how="left", maintain_order="left")


def known_labels(fleet: Fleet, rows: pl.LazyFrame, now: datetime) -> pl.LazyFrame:
    """The rows of a spine whose label is there and was known at `now`."""
    rows = rows.filter(pl.col(fleet.label.column).is_not_null())
    return rows.filter(pl.col(fleet.label.known_at) <= instant(now)) if fleet.label.known_at else rows


def _read(
    store: Store, kept: Kept, parts: Sequence[Part], tag: tuple[Any, ...], types: dict[str, pl.DataType],
    columns: Sequence[pl.Expr],
) -> pl.DataFrame:  # fmt: skip
    """Some columns of parts, in their order; each part is read once in these types for as long as it is kept."""
    if not parts:
        return pl.DataFrame(schema=types).select(columns)
    tag = (*tag, *types.items())
    held = {part.digest: kept.get((*tag, part.digest)) for part in parts}
    missing = [part for part in parts if held[part.digest] is None]
    if missing:
        read = frame(store.blobs, missing, types).select(columns).collect()
        start = 0
        for part in missing:
            piece = held[part.digest] = read.slice(start, part.rows)
            kept.put((*tag, part.digest), piece, int(piece.estimated_size()))
            start += part.rows
    found: list[pl.DataFrame] = [held[part.digest] for part in parts]
    return pl.concat(found)
