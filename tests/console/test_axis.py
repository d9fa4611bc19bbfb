"""Axes: where values lie, and which places are named."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from argosy.console import axis

numbers = st.floats(-1e9, 1e9, allow_nan=False)


@given(st.lists(numbers, min_size=1, max_size=20), st.booleans())
def test_every_value_lies_between_the_ends_in_its_order(values: list[float], log: bool) -> None:
    made = axis.of(values, log=log)
    places = [made.place(value) for value in sorted(values)]
    assert all(place is not None and -1e-9 <= place <= 1 + 1e-9 for place in places)
    assert places == sorted(places)  # type: ignore[type-var]
    assert all(-1e-6 <= place <= 1 + 1e-6 for place, _ in made.ticks) and len(made.ticks) <= 12


def test_ticks_are_round_numbers() -> None:
    assert [told for _, told in axis.of([0.0, 59.0], 6).ticks] == ["0", "20", "40"]
    assert [told for _, told in axis.of([0.2, 0.65], 4).ticks] == ["0.2", "0.4", "0.6"]
    assert [told for _, told in axis.of([0, 12_000], 4).ticks] == ["0", "5k", "10k"]


def test_numbers_in_texts_are_numbers_unless_one_is_none() -> None:
    made = axis.of(["3", "15", "7", None])
    assert made.place("3") == 0.0 and made.place("15") == 1.0 and made.place("7") == pytest.approx(1 / 3)
    named = axis.of(["adam", "sgd", "3"])
    assert [named.place(each) for each in ("3", "adam", "sgd", "none")] == [0.0, 0.5, 1.0, None]
    assert [told for _, told in named.ticks] == ["3", "adam", "sgd"]


def test_a_wide_span_is_logarithmic_where_that_is_asked_for() -> None:
    values = ["0.0001", "0.01", "1"]
    assert axis.of(values, log=True).place("0.01") == pytest.approx(0.5)
    assert axis.of(values).place("0.01") == pytest.approx(0.0099, abs=1e-4)
    assert not axis.of([*values, "-1"], log=True).log
    assert [told for _, told in axis.of(values, log=True).ticks] == ["0.0001", "0.001", "0.01", "0.1", "1"]


def test_what_is_no_number_has_no_place() -> None:
    made = axis.of([1.0, math.nan, math.inf, None, 2.0])
    assert [made.place(each) for each in (1.0, math.nan, math.inf, None)] == [0.0, None, None, None]
    assert axis.of([]).place(0.5) is not None and axis.of([4.0]).place(4.0) == pytest.approx(0.5)
