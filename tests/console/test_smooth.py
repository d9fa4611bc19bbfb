"""Curves without their noise."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from argosy.console import smooth
from argosy.errors import UsageError

values = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=40)


@given(values, st.floats(0, smooth.MOST))
def test_what_is_constant_stays_and_nothing_leaves_its_bounds(given: list[float], weight: float) -> None:
    found = smooth.ema(given, weight)
    assert found[0] == pytest.approx(given[0], rel=1e-6, abs=1e-6)
    slack = 1e-6 * max(1.0, *map(abs, given))
    assert all(min(given) - slack <= each <= max(given) + slack for each in found)
    assert smooth.ema([given[0]] * 5, weight) == pytest.approx([given[0]] * 5, rel=1e-6, abs=1e-6)


def test_a_past_value_weighs_less_the_longer_it_is_past() -> None:
    assert smooth.ema([0.0, 1.0, 1.0], 0.5) == pytest.approx([0.0, 0.5 / 0.75, 0.75 / 0.875])
    assert smooth.ema([3.0, 1.0], 0.0) == [3.0, 1.0]


def test_what_is_no_number_weighs_nothing() -> None:
    found = smooth.ema([1.0, math.nan, 3.0], 0.5)
    assert math.isnan(found[1]) and found[2] == smooth.ema([1.0, 3.0], 0.5)[1]


@pytest.mark.parametrize("weight", [-0.1, 1.0, math.nan])
def test_a_weight_has_bounds(weight: float) -> None:
    with pytest.raises(UsageError, match=r"is not between 0 and 0\.999"):
        smooth.check(weight)
