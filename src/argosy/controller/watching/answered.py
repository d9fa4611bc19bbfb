"""What a fleet answered, the labels that have arrived since, and how many labelled rows each member has."""

from __future__ import annotations

from datetime import datetime, timedelta

import polars as pl
from sqlalchemy import Connection

from argosy.controller.observe import INSTANT, Snapshot
from argosy.controller.plan import predictions
from argosy.data.part import frame
from argosy.data.read import scan
from argosy.features.trainingset import member
from argosy.monitoring.performance import join_labels
from argosy.spec.dataset import Dataset
from argosy.spec.fleet import Fleet
from argosy.store import datasets
from argosy.store.store import Store

_COLUMNS = ("row_key", "member", "at", "version", "route", "prediction", "stale")


def answers(conn: Connection, store: Store, fleet: str, low: datetime, high: datetime) -> pl.DataFrame:
    """Rows answered with a decision time in [low, high), each once: a request that was repeated counts as one.

    Rows that their version failed on are none of them: see `failed`.
    """
    if datasets.version(conn, predictions(fleet)) is None:
        return pl.DataFrame(schema=dict.fromkeys(_COLUMNS, pl.String) | {"at": INSTANT, "prediction": pl.Float64})
    rows = scan(conn, store, predictions(fleet), low=low, high=high).filter(pl.col("at") >= low, pl.col("at") < high)
    rows = rows.filter(pl.col("prediction").is_not_null())
    named = pl.col("row_key").is_not_null() & (pl.col("row_key") != "")
    found = rows.collect()
    return pl.concat([
        found.filter(named).unique(["row_key", "at"], keep="last", maintain_order=True), found.filter(~named)
    ]) if not found.is_empty() else found  # fmt: skip


def failed(conn: Connection, store: Store, fleet: str, low: datetime) -> pl.DataFrame:
    """Rows with a decision time of `low` or later that a version failed on: `member`, `at`, `version`.

    A row that was asked for again counts once for each version that failed on it.
    """
    if datasets.version(conn, predictions(fleet)) is None:
        return pl.DataFrame(schema={"member": pl.String, "at": INSTANT, "version": pl.String})
    rows = scan(conn, store, predictions(fleet), low=low).filter(pl.col("prediction").is_null())
    found = rows.select("row_key", "member", "at", "version").collect()
    return found.unique(["row_key", "at", "version"], maintain_order=True).drop("row_key")


def labelled(
    conn: Connection, store: Store, fleet: Fleet, spine: Dataset, rows: pl.DataFrame, now: datetime
) -> pl.DataFrame:
    """The answered rows whose label is known at `now`, with it as `label`; empty for a spine without a single key."""
    if rows.is_empty() or len(spine.key) != 1:
        return rows.head(0).with_columns(label=pl.lit(None, pl.Float64))
    lead = timedelta(days=1)
    low = rows["at"].min()
    assert isinstance(low, datetime)
    known = known_labels(fleet, scan(conn, store, spine.name, low=low - lead), now)
    told = known.select(row_key=pl.col(spine.key[0]).cast(pl.String), label=pl.col(fleet.label.column).cast(pl.Float64))
    return join_labels(rows, told.collect(), "row_key")


def known_labels(fleet: Fleet, rows: pl.LazyFrame, now: datetime) -> pl.LazyFrame:
    """The rows of a spine whose label is there and was known at `now`."""
    rows = rows.filter(pl.col(fleet.label.column).is_not_null())
    return rows.filter(pl.col(fleet.label.known_at) <= now) if fleet.label.known_at else rows


class Counts:
    """Labelled rows per member, counted part by part: a part whose labels are all known is never read again."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._settled: dict[tuple[tuple[str, ...], str, str | None, str], pl.DataFrame] = {}

    def rows(self, conn: Connection, fleet: Fleet, snapshot: Snapshot, now: datetime) -> dict[str, int]:
        """Labelled rows known at `now` by member key; a correction counts as a row."""
        version = snapshot.versions[fleet.spine]
        counted = []
        for part in datasets.parts(conn, fleet.spine, version.number):
            key = (fleet.by, fleet.label.column, fleet.label.known_at, part.digest)
            if key in self._settled:
                counted.append(self._settled[key])
                continue
            found, open_labels = self._count(fleet, part, now)
            if not open_labels:
                self._settled[key] = found
            counted.append(found)
        if not counted:
            return {}
        total = pl.concat(counted).group_by("member").agg(pl.col("rows").sum())
        return dict(total.iter_rows())

    def _count(self, fleet: Fleet, part: datasets.Part, now: datetime) -> tuple[pl.DataFrame, int]:
        given = frame(self._store.blobs, [part])
        late = pl.col(fleet.label.known_at) > now if fleet.label.known_at else pl.lit(False)
        seen = given.filter(pl.col(fleet.label.column).is_not_null()).select(*fleet.by, late=late).collect()
        known = seen.filter(~pl.col("late").fill_null(False))
        rows = known.group_by(member(fleet.by).alias("member")).agg(rows=pl.len().cast(pl.Int64)).drop_nulls("member")
        return rows, seen.height - known.height
