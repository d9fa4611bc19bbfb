"""The look-up table equals a binary search on every number."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from argosy.monitoring.bins import Numeric
from argosy.monitoring.lookup import Lookup

finite = st.floats(-1e12, 1e12)


def _search(feature: Numeric, value: float) -> int:
    if math.isnan(value):
        return feature.cells - 1
    if value < feature.low:
        return 0
    if value > feature.high:
        return feature.cells - 2
    return 1 + sum(value >= cut for cut in feature.cuts)


@given(st.lists(finite, min_size=2, max_size=30, unique=True), st.lists(st.floats(), max_size=30))
def test_equals_a_search(edges: list[float], values: list[float]) -> None:
    low, *cuts, high = sorted(edges)
    feature = Numeric("x", low, high, tuple(cuts))
    tried = np.array([*values, *edges, *np.nextafter(edges, np.inf), *np.nextafter(edges, -np.inf)])
    assert Lookup(feature).cells(tried).tolist() == [_search(feature, value) for value in tried]


@pytest.mark.parametrize("cuts", [(), (1.0,), (1.0, 1.0 + 1e-12, 1.0 + 2e-12, 1.0 + 3e-12, 1.0 + 4e-12, 900.0)])
def test_crowded_or_missing_cuts(cuts: tuple[float, ...]) -> None:
    feature = Numeric("x", 0.0, 1000.0, cuts)
    tried = np.array([-1.0, 0.0, 0.5, *cuts, 999.0, 1000.0, 1000.1, np.nan, np.inf, -np.inf])
    assert Lookup(feature).cells(tried).tolist() == [_search(feature, value) for value in tried]


def test_blocks_join() -> None:
    feature = Numeric("x", 0.0, 1.0, tuple(np.linspace(0.1, 0.9, 9)))
    values = np.random.default_rng(0).random(100_000)
    expected = np.searchsorted(np.array([0.0, *feature.cuts]), values, side="right")
    np.testing.assert_array_equal(Lookup(feature).cells(values), expected)


def test_a_feature_without_values_finds_everything_out_of_range() -> None:
    feature = Numeric("x", math.inf, math.inf)
    assert Lookup(feature).cells(np.array([1.0, np.nan])).tolist() == [0, 3]
