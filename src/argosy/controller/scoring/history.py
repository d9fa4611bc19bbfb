"""Feature views as of any moment, out of all rows that were ever computed for them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Self

import polars as pl
from sqlalchemy import Connection

from argosy.controller.act.materialise import rows_name
from argosy.controller.wanted import wanted
from argosy.data.read import scan
from argosy.features.join import join
from argosy.features.source import Source
from argosy.serving.routing import Endpoint
from argosy.spec.dataset import Dataset
from argosy.spec.feature import FeatureView
from argosy.store import Store, datasets

_AT = "decision time"


class History:
    """The `Views` of an endpoint by the join that training makes: they forget nothing. It holds all their rows.

    `versions` are those of the datasets that the rows are of, as they are addressed.
    """

    def __init__(self, views: Sequence[tuple[Source, pl.DataFrame]], versions: Sequence[str]) -> None:
        self._views = views
        self._entities = list(dict.fromkeys(name for source, _ in views for name in source.entity))
        self.versions = tuple(versions)

    @classmethod
    def of(cls, conn: Connection, store: Store, endpoint: Endpoint) -> Self | None:
        """That of an endpoint; None where rows of one of its views were not computed yet as it is declared now."""
        declared, latest = wanted(conn), datasets.latest(conn)
        views, versions = [], []
        for each in endpoint.views:
            found = declared.get(("feature_view", each.name))
            version = latest.get(rows_name(each.name, found)) if found is not None else None
            if found is None or version is None:
                return None
            assert isinstance(found.declaration, FeatureView)
            dataset = declared["dataset", found.declaration.dataset].declaration
            assert isinstance(dataset, Dataset)
            source = Source(each.name, each.entity, dataset.time, dataset.known, each.columns, each.ttl)
            rows = scan(conn, store, version.dataset, version.number)
            lacking = [pl.lit(None).alias(name) for name in each.columns if name not in version.columns]
            views.append((source, rows.with_columns(lacking).select(source.needs).collect()))
            versions.append(f"{version.dataset}@{version.number}")
        return cls(views, versions)

    def read(self, rows: pl.DataFrame, at: pl.Series) -> tuple[pl.DataFrame, Sequence[pl.Series]]:
        """See `Views.read`."""
        asked = [rows[name] if name in rows.columns else pl.Series(name, [None]).new_from_index(0, rows.height)
                 for name in self._entities]  # fmt: skip
        joined = join(pl.DataFrame([*asked, at.alias(_AT)]), _AT, self._views, ages=True)
        return joined, [joined[source.age] for source, _ in self._views]

    def forgotten(self, place: int, at: datetime, now: datetime) -> datetime | None:
        """Nothing is forgotten."""
        return None
