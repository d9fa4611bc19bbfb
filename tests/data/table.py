"""Small tables for the tests of datasets: a declaration, its files, and a clock."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from argosy.data.commit import Outcome
from argosy.data.ingest import ingest
from argosy.data.read import scan
from argosy.spec.dataset import Dataset
from argosy.spec.source import Parquet
from argosy.store import Store

DAY = timedelta(days=1)
START = datetime(2024, 1, 1, tzinfo=UTC)


def dataset(**fields: Any) -> Dataset:
    """Rows keyed by `id`, with event time `t`, out of `data/*.parquet`."""
    given: dict[str, Any] = {"name": "table", "time": "t", "key": ("id",), "source": Parquet("data/*.parquet")}
    return Dataset(**{**given, **fields})


def rows(first: int, count: int, *, at: datetime = START, **columns: Any) -> pl.DataFrame:
    """`count` rows from id `first` on, one an hour from `at` on."""
    ids = range(first, first + count)
    base = {"id": list(ids), "t": [at + timedelta(hours=index) for index in range(count)], "x": [float(i) for i in ids]}
    return pl.DataFrame({**base, **columns}, schema_overrides={"t": pl.Datetime("us", "UTC")})


def put(root: Path, name: str, frame: pl.DataFrame) -> Path:
    """Write a Parquet file of the source."""
    path = root / "data" / f"{name}.parquet"
    path.parent.mkdir(exist_ok=True)
    frame.write_parquet(path)
    return path


def take(
    store: Store,
    root: Path,
    declared: Dataset | None = None,
    now: datetime = START + 30 * DAY,
    **given: Mapping[str, str],
) -> Outcome:
    """Ingest whatever is pending."""
    return ingest(store, declared or dataset(), root, now, environment=given.get("environment", {}))


def everything(store: Store, name: str = "table", **how: Any) -> pl.DataFrame:
    """The rows of a dataset."""
    with store.read() as conn:
        return scan(conn, store, name, **how).collect()
