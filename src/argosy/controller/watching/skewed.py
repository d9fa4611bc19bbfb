"""Skew of a fleet: what was served of some answered rows, against what training would join for them now."""

from __future__ import annotations

from datetime import datetime

import polars as pl
from sqlalchemy import Connection

from argosy.controller.act.materialise import sources
from argosy.controller.observe import Snapshot
from argosy.controller.plan import predictions
from argosy.controller.watching.answered import ANSWERED, REACH, once
from argosy.controller.watching.spans import column
from argosy.data.dtype import parse_all
from argosy.data.part import Layout, frame
from argosy.data.read import newest
from argosy.features.join import join
from argosy.features.request import apply as request_features
from argosy.features.source import Source
from argosy.monitoring.bins import Bins
from argosy.monitoring.quality import SKEW, skew
from argosy.spec.dataset import Dataset
from argosy.spec.feature import RequestFeatures, Spine
from argosy.spec.fleet import Fleet
from argosy.store import datasets
from argosy.store.store import Store

AT = "asked at"
"""The decision time of an answered row; a space keeps it apart from the columns of users' tables."""
_KEY = "answered key"


def measure(
    conn: Connection, store: Store, snapshot: Snapshot, fleet: Fleet, bins: Bins, rows: pl.DataFrame, count: int
) -> pl.DataFrame:
    """A `skew` table over the `count` newest of `rows`, answered rows whose label is known.

    The values to be expected are those of the bitemporal join at the decision time that each row was answered for, by
    the newest version of its row of the spine.
    """
    sample = rows.sort("at", maintain_order=True).tail(count)
    if sample.is_empty():
        return pl.DataFrame(schema=SKEW)
    low, high = sample["at"].item(0), sample["at"].item(-1)
    served = _served(conn, store, snapshot, fleet, bins, sample, low, high)
    joined = _joined(conn, store, snapshot, fleet, sample, low)
    features = [feature.name for feature in bins.features if feature.name in joined.columns]
    values = [_cast(joined.schema[name], served.schema[name], name) for name in features]
    offline = joined.select(pl.col(_KEY).alias("row_key"), pl.col(AT).alias("at"), *values)
    return skew(offline, served, ["row_key", "at"], features)


def _served(
    conn: Connection, store: Store, snapshot: Snapshot, fleet: Fleet, bins: Bins, sample: pl.DataFrame, low: datetime,
    high: datetime,
) -> pl.DataFrame:  # fmt: skip
    """The rows of the sample with the values of their features as they were recorded."""
    version = snapshot.versions[predictions(fleet.name)]
    columns = [column(feature, parse_all(version.columns)) for feature in bins.features]
    given = _scan(conn, store, version, low, high).filter(ANSWERED)
    rows = given.select("row_key", "at", "member", "version", *columns).collect()
    return once(rows.join(sample, on=["row_key", "at"], how="semi", maintain_order="left"))


def _joined(
    conn: Connection, store: Store, snapshot: Snapshot, fleet: Fleet, sample: pl.DataFrame, low: datetime
) -> pl.DataFrame:
    """The rows of the sample with their features, as training would see them."""
    spine = snapshot.wanted["dataset", fleet.spine].declaration
    assert isinstance(spine, Dataset)
    key = pl.col(spine.key[0]).cast(pl.String)
    told = _scan(conn, store, snapshot.versions[spine.name], low - REACH).with_columns(key.alias(_KEY))
    known = newest(told.filter(pl.col(_KEY).is_in(sample["row_key"].to_list())), Layout.of(spine)).collect()
    asked = sample.select(pl.col("row_key").alias(_KEY), pl.col("at").alias(AT))
    rows = known.join(asked, on=_KEY, how="inner", maintain_order="left")
    views = [
        (source, _young(conn, store, source, version, rows, low))
        for _, source, version in sources(snapshot, fleet)
        if version is not None
    ]
    given = [each.expressions for each in fleet.features if isinstance(each, RequestFeatures)]
    entities = {name for view, _ in views for name in view.entity}
    asked_of = entities | {each.name for each in fleet.features if isinstance(each, Spine)}
    asked_of |= {name for expressions in given for each in expressions.values() for name in each.columns()}
    rows = rows.select(_KEY, AT, *(name for name in known.columns if name in asked_of))
    expressions = {name: each.expr() for some in given for name, each in some.items()}
    return request_features(expressions, join(rows, AT, views))


def _young(
    conn: Connection, store: Store, given: Source, version: datasets.Version, rows: pl.DataFrame, low: datetime
) -> pl.LazyFrame:
    """The rows of a view that can answer for these rows from `low` on: those young enough, of these entities."""
    found = _scan(conn, store, version, None if given.ttl is None else low - given.ttl)
    held = parse_all(version.columns)
    for entity in given.entity:
        if rows.schema[entity] == held[entity]:
            found = found.filter(pl.col(entity).is_in(rows[entity].unique().drop_nulls().to_list()))
    return found


def _scan(
    conn: Connection, store: Store, version: datasets.Version, low: datetime | None, high: datetime | None = None
) -> pl.LazyFrame:
    """The rows of a version in parts that may reach into [low, high]."""
    parts, types = datasets.cover(conn, version.dataset, version.number, low=low, high=high), parse_all(version.columns)
    return frame(store.blobs, parts, types) if parts else pl.LazyFrame(schema=types)


def _cast(held: pl.DataType, wanted: pl.DataType, name: str) -> pl.Expr:
    """A joined value in the type that it is recorded in; a time counts in its own units."""
    value = pl.col(name).to_physical() if held.is_temporal() else pl.col(name)
    return value.cast(wanted)
