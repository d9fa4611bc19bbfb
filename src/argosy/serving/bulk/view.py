"""Feature views of the rows of a chunk: each entity is read once for each moment that it is asked for."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import polars as pl

from argosy.serving.bulk.group import grouped
from argosy.serving.bulk.reason import Mask, Reasons
from argosy.serving.routing import Endpoint, ViewBinding
from argosy.serving.score import OnlineReader

_AT = "decision time"


def viewed(
    endpoint: Endpoint, reader: OnlineReader, rows: pl.DataFrame, at: pl.Series, now: datetime, reasons: Reasons
) -> tuple[pl.DataFrame, Mask]:
    """The rows with what the views hold for them beside them, and which of them an expired value was found for.

    Columns that the rows hold win, and a view of which they hold all is not asked. Nor is one whose entity they lack,
    which only a canary may need. A row whose moment a view no longer remembers has its reason then.
    """
    stale = np.zeros(rows.height, np.bool_)
    held, names = set(rows.columns), [name for view in endpoint.views for name in view.columns]
    asked = [not held.issuperset(view.columns) and held.issuperset(view.entity) for view in endpoint.views]
    if not any(asked):
        return rows, stale
    entities = list(dict.fromkeys(name for view in endpoint.views for name in view.entity))
    known = [name for name in entities if name in held]
    distinct, groups = grouped(rows.select(*known, at.fill_null(now).alias(_AT)), [*known, _AT])
    moments = distinct[_AT]
    nothing = [None] * distinct.height
    found, ages = reader.rows(
        {name: distinct[name].to_list() if name in held else nothing for name in entities}, moments.to_list()
    )
    values = dict(zip(names, zip(*found, strict=True), strict=True))
    for place, view in enumerate(endpoint.views):
        if asked[place]:
            fresh = [pl.Series(name, values[name], strict=False) for name in view.columns if name not in held]
            rows = rows.with_columns(each.gather(groups) for each in fresh)
            age = [each[place] for each in ages]
            stale |= np.array([_expired(each, view) for each in age], np.bool_)[groups]
            empty = np.array([each is None for each in age], np.bool_)
            gone, since = _forgotten(reader, place, moments, empty, now)
            reasons.add(gone[groups], f"feature view {view.name!r} keeps its rows from {since} on")
    return rows, stale


def _expired(age: timedelta | None, view: ViewBinding) -> bool:
    return age is not None and view.ttl is not None and age > view.ttl


def _forgotten(
    reader: OnlineReader, place: int, moments: pl.Series, empty: Mask, now: datetime
) -> tuple[Mask, str]:  # fmt: skip
    """For which moments a view holds nothing and may have dropped what it held, and from when on it has all."""
    earliest = moments.filter(pl.Series(empty)).min()
    since = reader.forgotten(place, earliest, now) if isinstance(earliest, datetime) else None
    if since is None:
        return np.zeros(len(empty), np.bool_), ""
    return empty & (moments < since).to_numpy(), f"{since:%Y-%m-%dT%H:%M:%SZ}"
