"""Feature views of the rows of a chunk."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol

import numpy as np
import polars as pl

from argosy.serving.bulk.reason import Mask, Reasons
from argosy.serving.routing import Endpoint

_MICROSECOND = timedelta(microseconds=1)


class Views(Protocol):
    """Reads the views of one endpoint for many rows at once."""

    def read(self, rows: pl.DataFrame, at: pl.Series) -> tuple[pl.DataFrame, Sequence[pl.Series]]:
        """The columns of all views for some rows at a moment each, and the age of what was found, a series a view.

        A value that does not count at its moment is null; an age is null where nothing was found. An entity column that
        the rows lack is null in all of them.
        """
        ...

    def forgotten(self, place: int, at: datetime, now: datetime) -> datetime | None:
        """The moment before which the view at `place` may have dropped its rows, if `at` is before it; else None."""
        ...


def viewed(
    endpoint: Endpoint, views: Views, rows: pl.DataFrame, at: pl.Series, now: datetime, reasons: Reasons
) -> tuple[pl.DataFrame, Mask]:
    """The rows with what the views hold for them beside them, and which of them an expired value was found for.

    Columns that the rows hold win, and a view of which they hold all is not asked. Nor is one whose entity they lack,
    which only a canary may need. A row whose moment a view no longer remembers has its reason then.
    """
    stale, held = np.zeros(rows.height, np.bool_), set(rows.columns)
    asked = [not held.issuperset(view.columns) and held.issuperset(view.entity) for view in endpoint.views]
    if not any(asked):
        return rows, stale
    moments = at.fill_null(now)
    found, ages = views.read(rows, moments)
    for place, view in enumerate(endpoint.views):
        if asked[place]:
            rows = rows.with_columns(found[name] for name in view.columns if name not in held)
            if view.ttl is not None:
                ticks = ages[place].dt.total_microseconds()
                stale |= (ticks > view.ttl // _MICROSECOND).fill_null(False).to_numpy()
            gone, since = _forgotten(views, place, moments, ages[place].is_null(), now)
            reasons.add(gone, f"feature view {view.name!r} keeps its rows from {since} on")
    return rows, stale


def _forgotten(
    views: Views, place: int, moments: pl.Series, empty: pl.Series, now: datetime
) -> tuple[Mask, str]:  # fmt: skip
    """For which rows a view holds nothing and may have dropped what it held, and from when on it has all."""
    earliest = moments.filter(empty).min()
    since = views.forgotten(place, earliest, now) if isinstance(earliest, datetime) else None
    if since is None:
        return np.zeros(len(empty), np.bool_), ""
    return (empty & (moments < since)).to_numpy(), f"{since:%Y-%m-%dT%H:%M:%SZ}"
