"""Tagged columns, and what is computed from them."""

from __future__ import annotations

import polars as pl

from argosy.spec.dataset import Dataset
from argosy.spec.feature import request_features
from argosy.spec.source import Parquet
from argosy.spec.tag import tagged


def test_tags_reach_the_columns_of_every_dataset_and_the_expressions_that_read_one() -> None:
    people = Dataset("people", time="t", source=Parquet("p.parquet"), tags={"born": "pii", "gender": "sensitive"})
    weather = Dataset("weather", time="t", source=Parquet("w.parquet"), tags={"station": "pii"})
    made = request_features(age=pl.col("t").dt.year() - pl.col("born").dt.year(), hour=pl.col("t").dt.hour())
    assert tagged([people, weather], made.expressions) == {"born", "gender", "station", "age"}
    assert tagged([], made.expressions) == frozenset()
