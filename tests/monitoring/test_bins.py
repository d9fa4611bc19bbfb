"""Frozen bins: what they hold, and that they are the same wherever they are fitted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from argosy.errors import InputError
from argosy.monitoring.bins import Bins, Boolean, Category, Numeric


def _only(column: pl.Series, **settings: int) -> Numeric | Category | Boolean:
    return Bins.fit(pl.DataFrame({"x": column}), **settings).features[0]


def test_numbers_are_cut_at_quantiles() -> None:
    feature = _only(pl.Series(np.random.default_rng(0).lognormal(size=20_000)))
    assert isinstance(feature, Numeric)
    assert len(feature.cuts) in (19, 20)
    values = np.random.default_rng(1).lognormal(size=20_000)
    shares = np.histogram(values, [0.0, *feature.cuts, np.inf])[0] / 20_000
    assert shares.max() < 0.06


def test_few_distinct_numbers_have_a_bin_each() -> None:
    feature = _only(pl.Series([1, 2, 2, 5, 5, 5]))
    assert feature == Numeric("x", 1.0, 5.0, (1.5, 3.5))


def test_a_heavy_value_has_its_own_bin_and_the_rest_keep_theirs() -> None:
    random = np.random.default_rng(2)
    rain = np.where(random.random(10_000) < 0.95, 0.0, random.random(10_000) + 0.01)
    feature = _only(pl.Series(rain))
    assert isinstance(feature, Numeric)
    assert len(feature.cuts) >= 4
    assert 0.0 < feature.cuts[0] <= rain[rain > 0].min()


def test_categories_keep_the_most_frequent_and_remember_the_others() -> None:
    feature = _only(pl.Series(["b", "a", "b", "c", None, "a", "d"]), top=2)
    assert feature == Category("x", ("a", "b"), ("c", "d"))


def test_booleans_times_and_empty_columns() -> None:
    start = datetime(2013, 1, 1, tzinfo=UTC)
    frame = pl.DataFrame(
        {
            "flag": [True, False, None],
            "when": [start, start + timedelta(days=1), None],
            "nothing": pl.Series([None, None, None], dtype=pl.Float64),
            "untyped": pl.Series([None, None, None]),
            "broken": [float("nan"), float("inf"), 1.0],
        }
    )
    flag, when, nothing, untyped, broken = Bins.fit(frame).features
    assert flag == Boolean("flag")
    assert isinstance(when, Numeric)
    assert when.high - when.low == timedelta(days=1) / timedelta(microseconds=1)
    assert nothing == Numeric("nothing", np.inf, np.inf)
    assert untyped == Numeric("untyped", np.inf, np.inf)
    assert broken == Numeric("broken", 1.0, 1.0)


def test_bytes_are_equal_for_equal_rows_in_any_order_and_round_trip() -> None:
    frame = pl.DataFrame({"x": np.random.default_rng(3).normal(size=999), "c": ["u", "v", "w"] * 333})
    one, two = Bins.fit(frame), Bins.fit(frame.reverse())
    assert one.to_bytes() == two.to_bytes()
    assert one.digest == two.digest
    assert Bins.from_bytes(one.to_bytes()) == one
    assert Bins.fit(frame.head(500)).digest != one.digest


def test_offsets_place_features_side_by_side() -> None:
    bins = Bins.fit(pl.DataFrame({"x": [1.0, 2.0], "f": [True, False]}))
    assert bins.offsets.tolist() == [0, 5, 8]


def test_regression_bins_its_predictions_by_quantile() -> None:
    frame = pl.DataFrame({"x": [1.0] * 1000, "p": np.linspace(0.0, 60.0, 1000)})
    bins = Bins.fit(frame, task="regression", prediction="p")
    assert [feature.name for feature in bins.features] == ["x"]
    assert bins.prediction.name == "prediction"
    assert len(bins.prediction.cuts) >= 190


def test_what_cannot_be_watched_is_refused() -> None:
    with pytest.raises(InputError, match="'x' of type List"):
        Bins.fit(pl.DataFrame({"x": [[1], [2]]}))
    with pytest.raises(InputError, match="lack the columns"):
        Bins.fit(pl.DataFrame({"x": [1]}), features=["y"])
    with pytest.raises(InputError, match="predictions"):
        Bins.fit(pl.DataFrame({"x": [1]}), task="regression")
