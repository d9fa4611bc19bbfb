"""Rows a second of a caller: no request is too large, and none is scored while rows are owed."""

from __future__ import annotations

from contextlib import suppress
from threading import Barrier, Thread

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
    meter.take("shop")
    meter.take("shop", 350)
    for rows in (0, 1):
        with pytest.raises(Refused, match="100 rows a second") as refused:
            meter.take("shop", rows)
        assert refused.value.status == 429 and refused.value.headers == ((b"retry-after", b"3"),)
    meter.take("ada")
    clock.now += 2.6
    meter.take("shop")
    assert meter.refused["rows"] == 2


def test_of_many_requests_at_once_one_alone_is_above_the_limit() -> None:
    meter, start, taken = Meter(Limits(rows={"shop": RATE}), Clock()), Barrier(16), list[int]()

    def ask() -> None:
        start.wait(60)
        with suppress(Refused):
            meter.take("shop", 350)
            taken.append(350)

    threads = [Thread(target=ask) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert taken == [350]


def test_what_each_caller_had_is_counted_by_fleet_without_a_limit_too() -> None:
    meter = Meter(Limits(), Clock())
    for rows in (1, 10**9):
        meter.count("shop", "late", rows, 0.25)
        meter.take("shop", rows)
    assert meter.rows["shop", "late"] == 10**9 + 1 and meter.seconds["shop", "late"] == 0.5


@given(some.lists(some.tuples(some.floats(0, 5), some.integers(1, 1_000)), max_size=60))
def test_no_caller_gets_more_than_its_rate_its_burst_and_one_request(asked: list[tuple[float, int]]) -> None:
    clock = Clock()
    meter = Meter(Limits(rows={"*": RATE}), clock)
    began, got = clock.now, 0
    for pause, rows in asked:
        clock.now += pause
        try:
            meter.take("shop", rows)
        except Refused:
            continue
        got += rows
        assert got <= RATE * (clock.now - began) + RATE + 1_000
