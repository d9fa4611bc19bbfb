"""What came in: by the time of its arrival, and as of one version of the recorded predictions."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

import argosy as ag
from argosy.controller.watching.answered import arrived, labelled, tried
from argosy.controller.watching.kept import Kept
from argosy.data.dtype import INSTANT
from argosy.data.read import append
from argosy.store import Store, datasets
from tests.controller.snapshots import fleet

NOW = datetime(2013, 3, 2, tzinfo=UTC)
HOUR = timedelta(hours=1)
NAME = "late.predictions"
OLD, NEW = "late/JFK@1", "late/JFK@2"


@pytest.fixture
def store(home: Path) -> Iterator[Store]:
    with Store.open(home) as opened:
        yield opened


def come(store: Store, when: datetime, rows: list[tuple[str, str, str, float | None]]) -> int:
    """Record rows (key, version, route, prediction) of one decision time; the version of the dataset they made."""
    frame = pl.DataFrame(rows, schema=["row_key", "version", "route", "prediction"], orient="row").with_columns(
        pl.col("prediction").cast(pl.Float64), member=pl.lit("JFK"), at=pl.lit(NOW - 99 * HOUR).cast(INSTANT)
    )
    return append(store, NAME, frame, time="at", sources=[str(when)], now=when, cause="test").number


def test_rows_count_by_when_they_came_in_up_to_the_version_that_is_looked_at(store: Store) -> None:
    one, two, three = (come(store, NOW + i * HOUR, [(f"{i}", OLD, "own", 0.5), (f"{i}+", OLD, "own", None)])
                       for i in range(3))  # fmt: skip
    with store.read() as conn:
        every = arrived(conn, store, "late", NOW, number=three)
        assert every["arrived"].to_list() == [NOW + i * HOUR for i in (0, 0, 1, 1, 2, 2)]
        assert every["prediction"].to_list() == [0.5, None] * 3
        assert arrived(conn, store, "late", NOW + HOUR, number=two)["row_key"].to_list() == ["1", "1+"]
        assert arrived(conn, store, "late", NOW + HOUR, number=one).is_empty()
        assert arrived(conn, store, "none", NOW, number=0).columns == every.columns
        assert datasets.commits(conn, NAME, NOW + HOUR, three) == {two: NOW + HOUR, three: NOW + 2 * HOUR}


def test_a_row_that_was_asked_for_again_counts_once_for_each_version_and_outcome(store: Store) -> None:
    come(store, NOW, [("a", OLD, "own", 0.5), ("b", NEW, "canary", None), ("b", OLD, "own", 0.5), ("", OLD, "own", 1)])
    again = [("a", OLD, "own", 0.5), ("a", NEW, "canary", 0.5), ("b", NEW, "canary", None), ("b", NEW, "canary", 0.5)]
    last = come(store, NOW + HOUR, [*again, ("", OLD, "own", 1), ("", OLD, "own", None), ("", OLD, "own", None)])
    with store.read() as conn:
        found = tried(arrived(conn, store, "late", NOW, number=last))
    told = found.group_by("row_key", "version", "on_trial", "failed").len().rows()
    assert sorted(told) == [
        ("", OLD, False, False, 2), ("", OLD, False, True, 2), ("a", OLD, False, False, 1), ("a", NEW, True, False, 1),
        ("b", OLD, False, False, 1), ("b", NEW, True, False, 1), ("b", NEW, True, True, 1),
    ]  # fmt: skip


def test_a_route_says_whether_chance_or_a_rule_chose_the_version(store: Store) -> None:
    routes = ["own", "canary", "challenger", "caller", "pooled", "unknown"]
    last = come(store, NOW, [(route, NEW, route, 0.5) for route in routes])
    with store.read() as conn:
        found = arrived(conn, store, "late", NOW, number=last)
    assert found.filter("on_trial")["row_key"].to_list() == ["canary", "challenger", "caller"]
    assert found.filter("ruled")["row_key"].to_list() == ["caller"]


def test_labels_that_are_kept_follow_the_types_of_their_columns(store: Store) -> None:
    spine = ag.Dataset("flights", time="t", key="id", source=ag.Parquet("f.parquet"))
    given = fleet(spine=spine, label=ag.Label("late", known_at="known"))
    first = pl.DataFrame({"t": [NOW], "id": [1], "late": [1], "known": [None]}).with_columns(pl.col("t").cast(INSTANT))
    second = first.with_columns(id=pl.lit(2.5), known="t")
    rows = pl.DataFrame({"row_key": ["1", "2.5"], "at": [NOW] * 2}, schema_overrides={"at": INSTANT})
    kept = Kept()
    for source, landed, want in (("1", first, [None, None]), ("2", second, [None, 1.0])):
        append(store, "flights", landed, time="t", sources=[source], now=NOW, cause="test")
        with store.read() as conn:
            version = datasets.version(conn, "flights")
            told, afresh = (labelled(conn, store, each, given, spine, version, rows, NOW) for each in (kept, Kept()))
        assert told["label"].to_list() == afresh["label"].to_list() == want
