"""Nulls, numbers out of range, categories never seen; and rows that differ between offline and online."""

from __future__ import annotations

import polars as pl
import pytest

from argosy.errors import InputError
from argosy.monitoring.quality import quality, skew
from argosy.monitoring.window import Windows
from tests.monitoring.fleet import MEMBERS, bins, rows, windows


def test_clean_rows_raise_nothing() -> None:
    frame = rows(30)
    on = bins(frame)
    table = quality(windows(frame, on), windows(rows(31, 1000), on), on)
    assert (table["p_value"] > 1e-4).all()
    checks = table.filter(pl.col("member") == "JFK/AA").select("feature", "check").rows()
    assert ("temp", "range") in checks
    assert ("plane", "unseen") in checks
    assert ("night", "null") in checks
    assert ("night", "range") not in checks


def test_bad_rows_are_found_with_their_rate() -> None:
    frame = rows(32)
    on = bins(frame)
    bad = rows(33, 2000).with_columns(
        temp=pl.when(pl.col("code") == 1).then(1048.0).otherwise(pl.col("temp")),
        plane=pl.when(pl.col("code") == 2).then(pl.lit("A380")).otherwise(pl.col("plane")),
        rain=pl.when(pl.col("code") == 3).then(None).otherwise(pl.col("rain")),
    )
    table = quality(windows(frame, on), windows(bad, on), on).filter(pl.col("p_value") < 1e-6)
    assert table.select("member", "feature", "check", "value").sort("member").rows() == [
        (MEMBERS[1], "temp", "range", 1.0),
        (MEMBERS[2], "plane", "unseen", 1.0),
        (MEMBERS[3], "rain", "null", 1.0),
    ]


def test_no_common_member_gives_an_empty_table_of_the_same_columns() -> None:
    frame = rows(34, 200)
    on = bins(frame)
    full, empty = windows(frame, on), Windows.empty(on)
    assert quality(empty, full, on).is_empty()
    assert quality(empty, full, on).schema == quality(full, full, on).schema


def test_skew_counts_the_rows_that_differ() -> None:
    offline = pl.DataFrame({"id": [1, 2, 3, 4], "x": [1.0, 2.0, None, 4.0], "c": ["a", "b", None, "d"]})
    online = pl.DataFrame({
        "id": [4, 3, 2, 9], "x": [4.0 + 1e-12, None, 2.5, 0.0], "c": ["d", "x", "b", "a"],
        "member": ["m", "m", "n", "o"], "version": "1",
    })  # fmt: skip
    assert skew(offline, online, "id", ["x", "c"]).rows() == [
        ("x", 3, 1, pytest.approx(1 / 3), ["n"]),
        ("c", 3, 1, pytest.approx(1 / 3), ["m"]),
    ]


def test_a_feature_that_a_version_was_never_served_is_none_that_it_reads() -> None:
    offline = pl.DataFrame({"id": [1, 2, 3, 4], "x": [1, 2, 3, 4]})
    online = pl.DataFrame({"id": [1, 2, 3, 4], "x": [None, None, None, 4], "member": "m", "version": [*"aabb"]})
    assert skew(offline, online, "id", ["x"]).rows() == [("x", 2, 1, 0.5, ["m"])]


def test_skew_of_no_common_rows_and_of_a_missing_column() -> None:
    one = pl.DataFrame({"id": [1], "x": [1], "member": ["m"], "version": ["1"]})
    assert skew(one, one.with_columns(id=2), "id", ["x"]).rows() == [("x", 0, 0, None, [])]
    with pytest.raises(InputError, match="online rows lack"):
        skew(one, one.drop("x"), "id", ["x"])
