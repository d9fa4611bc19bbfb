"""Unknown keys: counted by when their rows came in, each row once, and told in a few words however many they are."""

from __future__ import annotations

from datetime import timedelta

import polars as pl
import pytest

from argosy.controller import signal
from argosy.controller.watching.unknown import SHOWN, measure, pool
from argosy.data.dtype import INSTANT
from tests.controller.snapshots import NOW

EARLY = NOW - timedelta(days=400)


def came(*rows: tuple[str, int], hours: float = 1, prediction: float | None = 0.5) -> pl.DataFrame:
    """Rows (member, how many) of an early decision time that came in so many hours ago, as `answered.arrived` gives."""
    frame = pl.DataFrame(rows, schema=["member", "count"], orient="row")
    frame = frame.select(pl.col("member").repeat_by("count")).explode("member").with_row_index("row")
    return frame.select(
        "member", row_key=pl.format("{} {}", pl.lit(hours), "row"), at=pl.lit(EARLY).cast(INSTANT),
        version=pl.lit("late/*@1"), prediction=pl.lit(prediction, pl.Float64), on_trial=pl.lit(False),
        arrived=pl.lit(NOW - timedelta(hours=hours)).cast(INSTANT),
    )  # fmt: skip


def test_rows_of_the_last_day_count_once_by_arrival_and_members_and_failures_not_at_all() -> None:
    some = came(("JFX", 3), ("JFK", 5), ("ZZ", 1))
    rows = pl.concat([some, some, came(("JFX", 9), hours=25), came(("Q", 9), hours=2, prediction=None)])
    (found,) = measure(rows, {"JFK", "LGA"}, NOW).items()
    assert found == (
        "*", {signal.UNKNOWN: 4.0, "body": {"rows": 4, "keys": 2, "first": (("JFX", 3), ("ZZ", 1))}}
    )  # fmt: skip
    assert measure(rows, {"JFK", "JFX", "ZZ"}, NOW) == {}


def test_of_many_keys_a_few_are_shown() -> None:
    found = measure(came(*((f"x{i:04}", 1) for i in range(1_000)), ("b", 2)), {"JFK"}, NOW)["*"]
    assert (found[signal.UNKNOWN], found["body"]["keys"]) == (1_002.0, 1_001)
    assert found["body"]["first"] == (("b", 2), *((f"x{i:04}", 1) for i in range(SHOWN - 1)))


@pytest.mark.parametrize(
    ("key", "shown"),
    [("k" * 500, "k" * 60 + "…"), ("a\x1b[2J", r"a\x1b[2J"), ("São Paulo/Ö", "São Paulo/Ö")],
)
def test_a_key_is_shown_as_no_terminal_obeys_it(key: str, shown: str) -> None:
    assert measure(came((key, 1)), set(), NOW)["*"]["body"]["first"] == ((shown, 1),)


def test_rows_of_unknown_keys_are_the_pooled_models() -> None:
    rows = came(("JFX", 1), ("JFK", 1), ("*", 1))
    assert pool(rows, {"JFK"})["member"].to_list() == ["*", "JFK", "*"]
    assert pool(rows, {"JFK"}).drop("member").equals(rows.drop("member"))
