"""Rows a second of a caller: no request is too large, and none is answered while rows are owed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from argosy.serving.limits import Limits
from argosy.serving.meter import Meter
from argosy.serving.request import Refused

RATE = 100.0


class Clock:
    """Seconds that pass when a test says so."""

    now = 1_000.0

    def __call__(self) -> float:
        return self.now


def test_who_owes_rows_is_refused_until_they_are_paid() -> None:
    clock = Clock()
    meter = Meter(Limits(rows={"shop": RATE}), clock)
    meter.check("shop")
    meter.charge("shop", "late", 350, 0.1)
    with pytest.raises(Refused, match="100 rows a second") as refused:
        meter.check("shop")
    assert refused.value.status == 429 and refused.value.headers == ((b"retry-after", b"3"),)
    meter.check("ada")
    clock.now += 2.6
    meter.check("shop")


def test_what_each_caller_had_is_counted_by_fleet_without_a_limit_too() -> None:
    meter = Meter(Limits(), Clock())
    for rows in (1, 10**9):
        meter.charge("shop", "late", rows, 0.25)
        meter.check("shop")
    assert meter.rows["shop", "late"] == 10**9 + 1 and meter.seconds["shop", "late"] == 0.5


@given(some.lists(some.tuples(some.floats(0, 5), some.integers(1, 1_000)), max_size=60))
def test_no_caller_gets_more_than_its_rate_its_burst_and_one_request(asked: list[tuple[float, int]]) -> None:
    clock = Clock()
    meter = Meter(Limits(rows={"*": RATE}), clock)
    began, got = clock.now, 0
    for pause, rows in asked:
        clock.now += pause
        try:
            meter.check("shop")
        except Refused:
            continue
        meter.charge("shop", "late", rows, 0.0)
        got += rows
        assert got <= RATE * (clock.now - began) + RATE + 1_000
