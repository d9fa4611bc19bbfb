"""Labelled rows per member, counted part by part, as a fleet's declaration of today asks."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

import argosy as ag
from argosy.controller.watching.answered import known_labels
from argosy.controller.watching.counts import Counts
from argosy.data.dtype import INSTANT
from argosy.data.read import append, scan
from argosy.store import datasets
from argosy.store.store import Store
from tests.controller.snapshots import FLIGHTS, NOW, fleet, snapshot


@pytest.fixture
def home_store(home: Path) -> Iterator[Store]:
    """Three flights, with the labels `late` and `early`; they arrive now, in an hour, and in two."""
    arrived = [NOW + timedelta(hours=hours) for hours in range(3)]
    rows = pl.DataFrame({
        "t": [NOW - timedelta(hours=3)] * 3, "origin": ["JFK", "JFK", "LGA"], "carrier": ["AA", "UA", "AA"],
        "late": [0, 1, 0], "early": [1, None, None], "arrived": arrived,
    }).with_columns(pl.col("t", "arrived").cast(INSTANT))  # fmt: skip
    with Store.open(home) as store:
        for number in range(3):
            append(store, FLIGHTS.name, rows[number], time="t", sources=[str(number)], now=NOW, cause="landed")
        yield store


def counted(store: Store, counts: Counts, given: ag.Fleet, hours: float = 0) -> dict[str, int]:
    with store.read() as conn:
        seen = snapshot({"JFK": {}}, given, versions=datasets.latest(conn))
        return counts.rows(conn, given, seen, NOW + timedelta(hours=hours))


def test_rows_count_by_the_keys_and_the_label_that_are_declared_now(home_store: Store) -> None:
    counts = Counts(home_store)
    assert counted(home_store, counts, fleet()) == {"JFK": 2, "LGA": 1}
    assert counted(home_store, counts, fleet(by=["origin", "carrier"])) == {"JFK/AA": 1, "JFK/UA": 1, "LGA/AA": 1}
    assert counted(home_store, counts, fleet(label="early")) == {"JFK": 1, "LGA": 0}
    assert counted(home_store, counts, fleet(label="early", by=[], pooled=False)) == {"": 1}
    assert counted(home_store, counts, fleet()) == {"JFK": 2, "LGA": 1}


def test_a_label_counts_from_when_it_is_known(home_store: Store) -> None:
    counts, given = Counts(home_store), fleet(label=ag.Label("late", known_at="arrived"))
    assert counted(home_store, counts, given) == {"JFK": 1, "LGA": 0}
    assert counted(home_store, counts, given, hours=1) == {"JFK": 2, "LGA": 0}
    assert counted(home_store, counts, given, hours=2) == {"JFK": 2, "LGA": 1}


def test_what_counts_is_what_training_sees_where_columns_came_later_and_times_are_missing(home: Path) -> None:
    rows = pl.DataFrame({
        "t": [NOW] * 3, "origin": [1, 2, 2], "late": [0, 1, None], "arrived": [NOW, None, NOW],
    }).with_columns(pl.col("t", "arrived").cast(INSTANT))  # fmt: skip
    given = fleet(label=ag.Label("late", known_at="arrived"))
    with Store.open(home) as store:
        counts = Counts(store)
        for number, each in enumerate((rows.drop("late", "arrived"), rows, rows, rows.with_columns(origin=1.5))):
            append(store, FLIGHTS.name, each, time="t", sources=[str(number)], now=NOW, cause="landed")
            if number:
                with store.read() as conn:
                    seen = known_labels(given, scan(conn, store, FLIGHTS.name), NOW).collect()
                want = {str(key): count for key, count in seen.group_by("origin").len().iter_rows()}
                found = counted(store, counts, given)
                assert {key: count for key, count in found.items() if count} == want and sum(want.values()) == number
                assert found.keys() == want.keys() | ({"2"} if number < 3 else {"2.0"})
