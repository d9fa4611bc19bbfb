"""Tagged columns, and what is computed from them."""

from __future__ import annotations

import polars as pl

from argosy.spec.dataset import Dataset
from argosy.spec.feature import request_features
from argosy.spec.source import Parquet
from argosy.spec.tag import inherited, tagged


def test_tags_reach_the_columns_of_every_dataset_and_the_expressions_that_read_one() -> None:
    people = Dataset("people", time="t", source=Parquet("p.parquet"), tags={"born": "pii", "gender": "sensitive"})
    weather = Dataset("weather", time="t", source=Parquet("w.parquet"), tags={"station": "pii"})
    made = request_features(age=pl.col("t").dt.year() - pl.col("born").dt.year(), hour=pl.col("t").dt.hour())
    assert tagged([people, weather], made.expressions, {}) == {"born", "gender", "station", "age"}
    assert tagged([], made.expressions, {}) == frozenset()


def test_tags_reach_columns_of_views_by_what_they_are_made_of_and_expressions_over_them() -> None:
    over = request_features(old=pl.col("decade") > 6, late=pl.col("hour") > 20)
    made = {"decade": ("born", "t"), "trips": ("distance",), "sex": ("gender", "born")}
    found = inherited({"born": "pii", "gender": "sensitive"}, over.expressions, made)
    assert found == {"born": "pii", "gender": "sensitive", "decade": "pii", "sex": "sensitive", "old": "pii"}
