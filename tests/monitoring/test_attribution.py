"""Shares of contributions, and how far two sharings are apart."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from argosy.monitoring.attribution import moved, shares

sharings = st.dictionaries(st.sampled_from("abcde"), st.floats(0.01, 1), min_size=1).map(
    lambda found: {name: value / sum(found.values()) for name, value in found.items()}
)


def test_shares_are_of_the_mean_sizes_whatever_their_sign() -> None:
    found = shares(np.array([[1.0, -2.0, 0.0], [-1.0, 4.0, 0.0]]))
    np.testing.assert_allclose(found, [0.25, 0.75, 0.0])
    np.testing.assert_array_equal(shares(np.zeros((3, 2))), [0.0, 0.0])
    np.testing.assert_array_equal(shares(np.empty((0, 2))), [0.0, 0.0])


def test_the_feature_that_moved_most_is_named() -> None:
    assert moved({"a": 0.5, "b": 0.4, "c": 0.1}, {"a": 0.6, "b": 0.1, "c": 0.3}) == (pytest.approx(0.3), "b")
    assert moved({"a": 1.0}, {"b": 1.0}) == (1.0, "a")
    assert moved({}, {}) == (0.0, "")


@given(sharings, sharings)
def test_the_distance_is_one_between_what_has_nothing_in_common_and_none_at_all(
    one: dict[str, float], other: dict[str, float]
) -> None:
    distance, _ = moved(one, other)
    assert 0.0 <= distance <= 1.0 + 1e-9 and distance == pytest.approx(moved(other, one)[0])
    assert moved(one, one)[0] == 0.0
    if not one.keys() & other.keys():
        assert distance == pytest.approx(1.0)
