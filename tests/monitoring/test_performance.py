"""Recorded predictions meet their labels; members, versions and routes are scored at once."""

from __future__ import annotations

import polars as pl
import pytest

from argosy.errors import InputError
from argosy.metric import measure
from argosy.monitoring.performance import join_labels, performance
from tests.monitoring.fleet import rows


def test_labels_join_by_key_and_the_last_correction_counts() -> None:
    predictions = pl.DataFrame({"id": [3, 1, 2, 1], "prediction": [0.3, 0.1, 0.2, 0.15]})
    labels = pl.DataFrame({"id": [1, 3, 1, 9, 2], "late": [False, True, True, True, None]})
    found = join_labels(predictions, labels, "id", label="late")
    assert found.rows() == [(3, 0.3, True), (1, 0.1, True), (2, 0.2, None), (1, 0.15, True)]


def test_a_null_key_meets_nothing_and_a_missing_column_is_refused() -> None:
    one = pl.DataFrame({"id": pl.Series([None], dtype=pl.Int64), "prediction": [0.5]})
    two = pl.DataFrame({"id": pl.Series([None], dtype=pl.Int64), "label": [True]})
    assert join_labels(one, two, ["id"])["label"].to_list() == [None]
    with pytest.raises(InputError, match="labels lack"):
        join_labels(one, two, "id", label="late")


def test_groups_equal_their_rows() -> None:
    frame = rows(60).with_columns(
        member=pl.col("code").cast(pl.String), route=pl.when(pl.col("night")).then(pl.lit("canary"))
    )
    table = performance(frame, ["roc_auc", "log_loss"], by=["member", "route"])
    assert table.select("member", "route").rows()[:3] == [("0", "canary"), ("0", None), ("1", "canary")]
    told = frame.filter(pl.col("label").is_not_null())
    for row in table.iter_rows(named=True):
        mine = told.filter((pl.col("member") == row["member"]) & pl.col("route").eq_missing(pl.lit(row["route"])))
        alone = measure("roc_auc", mine["label"].to_numpy(), mine["prediction"].to_numpy())
        assert row["rows"] == len(mine)
        assert (row["roc_auc"], row["roc_auc_low"], row["roc_auc_high"]) == pytest.approx(
            (alone.value, alone.low, alone.high)
        )


def test_all_rows_together_are_the_last_row() -> None:
    frame = rows(61).with_columns(member=pl.col("code").cast(pl.String))
    table = performance(frame, ["log_loss"], together="*")
    assert table["member"].to_list() == ["0", "1", "2", "3", "*"]
    alone = performance(frame.with_columns(member=pl.lit("*")), ["log_loss"])
    assert table.tail(1).equals(alone)
    some = frame.with_columns(member=pl.col("member").replace("3", "*"))
    assert performance(some, ["log_loss"], together="*").equals(table.filter(pl.col("member") != "3"))


def test_boolean_labels_and_no_rows() -> None:
    frame = pl.DataFrame({"member": ["a", "a"], "prediction": [0.2, 0.9], "label": [False, True]})
    assert performance(frame, ["brier"])["brier"].item() == pytest.approx(0.025)
    assert performance(frame.clear(), ["brier"]).columns == ["member", "rows", "brier", "brier_low", "brier_high"]
