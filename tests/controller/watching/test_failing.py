from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from argosy.controller.watching.failing import measure
from argosy.data.read import append
from argosy.monitoring.alert import Alert, watch
from argosy.store import Store

NOW = datetime(2013, 3, 2, tzinfo=UTC)
ANSWERED = {"member": pl.String, "at": pl.Datetime("us", "UTC")}


@pytest.fixture
def store(home: Path) -> Iterator[Store]:
    with Store.open(home) as opened:
        yield opened


def fail(store: Store, rows: list[tuple[str, str, datetime, str]]) -> None:
    """Record rows (key, member, decision time, route) that a version failed on."""
    frame = pl.DataFrame(rows, schema=["row_key", "member", "at", "route"], orient="row").with_columns(
        pl.col("at").dt.replace_time_zone(None).dt.replace_time_zone("UTC"),
        version=pl.lit("late/x@1"), prediction=pl.lit(None, pl.Float64),
    )  # fmt: skip
    append(store, "late.predictions", frame, time="at", sources=["a"], now=NOW, cause="test")


def look(store: Store, answered: list[tuple[str, datetime]], active: list[Alert]) -> list[Alert]:
    rows = pl.DataFrame(answered, schema=ANSWERED, orient="row")
    with store.read() as conn:
        found = watch(measure(conn, store, "late", rows, NOW), active, at=NOW, watched=3)
    return [*found.raised, *found.persisting]


def test_members_with_rows_that_nobody_answered_are_told(store: Store) -> None:
    hour = timedelta(hours=1)
    own = [(f"r{i}", "EWR", NOW - hour, "own") for i in range(5)]
    fail(store, [*own, ("a", "JFK", NOW - hour, "canary"), ("b", "LGA", NOW - 30 * hour, "own")])
    answered = [("EWR", NOW - hour)] * 15 + [("JFK", NOW - hour), ("LGA", NOW - hour)]
    (alert,) = look(store, answered, [])
    assert (alert.name, alert.members, alert.value, alert.severity) == ("failure/rows", ("EWR",), 0.25, "critical")
    assert alert.message.startswith("1 of 3 members leave rows without an answer since 2013-03-02: share of rows 0.25")


def test_a_fleet_that_answers_nothing_is_told_and_one_that_recovers_no_more(store: Store) -> None:
    fail(store, [(f"r{i}", "", NOW - timedelta(hours=2), "own") for i in range(3)])
    (alert,) = look(store, [], [])
    assert alert.value == 1.0
    assert look(store, [("", NOW - timedelta(hours=1))] * 1000, [alert]) == []


def test_nothing_recorded_is_nothing_to_say(store: Store) -> None:
    assert look(store, [], []) == []
