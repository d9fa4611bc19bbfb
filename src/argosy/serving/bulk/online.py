"""Feature views out of the online store: each entity is looked up once for each moment that it is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import polars as pl

from argosy.serving.bulk.group import grouped
from argosy.serving.routing import Endpoint
from argosy.serving.score import OnlineReader

_AT = "decision time"


class OnlineViews:
    """The `Views` of an endpoint as its online reader answers."""

    def __init__(self, endpoint: Endpoint, reader: OnlineReader) -> None:
        self._reader = reader
        self._entities = list(dict.fromkeys(name for view in endpoint.views for name in view.entity))
        self._columns = [name for view in endpoint.views for name in view.columns]
        self._views = len(endpoint.views)

    def read(self, rows: pl.DataFrame, at: pl.Series) -> tuple[pl.DataFrame, Sequence[pl.Series]]:
        """See `Views.read`."""
        known = [name for name in self._entities if name in rows.columns]
        distinct, groups = grouped(rows.select(*known, at.alias(_AT)), [*known, _AT])
        nothing = [None] * distinct.height
        entities = {name: distinct[name].to_list() if name in known else nothing for name in self._entities}
        values, ages = self._reader.rows(entities, distinct[_AT].to_list())
        columns = zip(self._columns, zip(*values, strict=True), strict=True)
        found = pl.DataFrame([pl.Series(name, column, strict=False).gather(groups) for name, column in columns])
        series = [pl.Series([age[place] for age in ages], dtype=pl.Duration("us")) for place in range(self._views)]
        return found, [each.gather(groups) for each in series]

    def forgotten(self, place: int, at: datetime, now: datetime) -> datetime | None:
        """See `Views.forgotten`."""
        return self._reader.forgotten(place, at, now)
