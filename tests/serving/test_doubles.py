"""Rows of numbers as bytes: the same numbers as `encode` gives, or nothing."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from argosy.serving.doubles import doubles, matrix

NUMBERS = st.one_of(st.floats(), st.integers(-(10**300), 10**300), st.booleans())


@given(st.integers(1, 5).flatmap(lambda n: st.lists(st.lists(NUMBERS, min_size=n, max_size=n), min_size=1, max_size=4)))
def test_columns_of_numbers_are_those_numbers(columns: list[list[float]]) -> None:
    count = len(columns[0])
    named = {str(place): values for place, values in enumerate(columns)} | {"other": ["text"] * count}
    found = doubles(named, count, [str(place) for place in range(len(columns))])
    assert found is not None
    np.testing.assert_array_equal(matrix(found, count), np.array([[float(v) for v in values] for values in columns]))


@pytest.mark.parametrize("value", [None, "1", 10**400, datetime(2020, 1, 1, tzinfo=UTC)])
@pytest.mark.parametrize("count", [1, 3])
def test_what_is_no_number_is_left_to_others(value: object, count: int) -> None:
    assert doubles({"a": [1.0] * count, "b": [value] * count}, count, ["a", "b"]) is None
    assert doubles({"a": [1.0] * count}, count, ["a", "b"]) is None
