from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from argosy.controller.watching.answered import arrived
from argosy.controller.watching.failing import measure
from argosy.data.dtype import INSTANT
from argosy.data.read import append
from argosy.monitoring.alert import Alert, watch
from argosy.store import Store, datasets

NOW = datetime(2013, 3, 2, tzinfo=UTC)
HOUR = timedelta(hours=1)
EARLY = NOW - 400 * HOUR


@pytest.fixture
def store(home: Path) -> Iterator[Store]:
    with Store.open(home) as opened:
        yield opened


def come(store: Store, when: datetime, rows: list[tuple[str, str, float | None, int]]) -> None:
    """Record rows (member, route, prediction, how many), all of an early decision time, that come in at `when`."""
    frame = pl.DataFrame(rows, schema=["member", "route", "prediction", "count"], orient="row")
    frame = frame.select(pl.all().exclude("count").repeat_by("count")).explode(pl.all()).with_row_index("row")
    frame = frame.select(
        pl.col("member", "route"), pl.col("prediction").cast(pl.Float64), version=pl.lit("late/x@1"),
        row_key=pl.format("{} {}", pl.lit(str(when)), "row"), at=pl.lit(EARLY).cast(INSTANT),
    )  # fmt: skip
    append(store, "late.predictions", frame, time="at", sources=[str(when)], now=when, cause="test")


def look(store: Store, active: list[Alert]) -> list[Alert]:
    with store.read() as conn:
        version = datasets.version(conn, "late.predictions")
        came = arrived(conn, store, "late", NOW - 90 * HOUR, number=version.number if version is not None else 0)
    found = watch(measure(came, NOW), active, at=NOW, watched=3)
    return [*found.raised, *found.persisting]


def test_members_with_rows_that_nobody_answered_are_told_also_of_a_batch_about_days_before(store: Store) -> None:
    come(store, NOW - 30 * HOUR, [("LGA", "own", None, 1)])
    answers = [("EWR", "own", 0.5, 15), ("JFK", "own", 0.5, 1), ("LGA", "own", 0.5, 1)]
    come(store, NOW - HOUR, [("EWR", "own", None, 5), ("JFK", "canary", None, 1), *answers])
    (alert,) = look(store, [])
    assert (alert.name, alert.members, alert.value, alert.severity) == ("failure/rows", ("EWR",), 0.25, "critical")
    assert alert.message.startswith("1 of 3 members fails on rows since 2013-03-02: share of rows 0.25")


def test_a_fleet_that_answers_nothing_is_told_and_one_that_recovers_no_more(store: Store) -> None:
    come(store, NOW - 2 * HOUR, [("", "own", None, 3)])
    (alert,) = look(store, [])
    assert alert.value == 1.0
    come(store, NOW - HOUR, [("", "own", 0.5, 1000)])
    assert look(store, [alert]) == []


def test_nothing_recorded_is_nothing_to_say(store: Store) -> None:
    assert look(store, []) == []
