"""Labelled rows per member, counted part by part, as a fleet's declaration of today asks."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

import argosy as ag
from argosy.controller.watching.counts import Counts
from argosy.data.dtype import INSTANT
from argosy.data.read import append
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
        return counts.rows(conn, given, snapshot({"JFK": {}}, given), NOW + timedelta(hours=hours))


def test_rows_count_by_the_keys_and_the_label_that_are_declared_now(home_store: Store) -> None:
    counts = Counts(home_store)
    assert counted(home_store, counts, fleet()) == {"JFK": 2, "LGA": 1}
    assert counted(home_store, counts, fleet(by=["origin", "carrier"])) == {"JFK/AA": 1, "JFK/UA": 1, "LGA/AA": 1}
    assert counted(home_store, counts, fleet(label="early")) == {"JFK": 1}
    assert counted(home_store, counts, fleet()) == {"JFK": 2, "LGA": 1}


def test_a_label_counts_from_when_it_is_known(home_store: Store) -> None:
    counts, given = Counts(home_store), fleet(label=ag.Label("late", known_at="arrived"))
    assert counted(home_store, counts, given) == {"JFK": 1}
    assert counted(home_store, counts, given, hours=1) == {"JFK": 2}
    assert counted(home_store, counts, given, hours=2) == {"JFK": 2, "LGA": 1}
