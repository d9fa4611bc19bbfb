"""What columns of views are made of, by what Polars reads for each."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl
import pytest

from argosy.features.lineage import lineage

TYPES: dict[str, pl.DataType] = {
    "at": pl.Datetime("us", "UTC"), "id": pl.String(), "email": pl.String(), "age": pl.Int64(), "spent": pl.Float64(),
}  # fmt: skip
ALL = tuple(sorted(TYPES))
View = Callable[[pl.LazyFrame], pl.LazyFrame]


def made(view: View, *columns: str) -> dict[str, tuple[str, ...]]:
    return lineage(view, columns, TYPES, ("id", "at"))


def test_a_column_keeps_what_it_is_made_of_under_another_name() -> None:
    def view(rows: pl.LazyFrame) -> pl.LazyFrame:
        renamed = rows.rename({"email": "contact"}).with_columns(decade=pl.col("age") // 10)
        return renamed.select("id", "at", "contact", "spent", "decade", both=pl.col("decade") + pl.col("spent"))

    wanted = {"contact": ("email",), "spent": ("spent",), "decade": ("age",), "both": ("age", "spent")}
    assert made(view, "contact", "spent", "decade", "both") == wanted


def test_keys_count_where_nothing_else_is_read() -> None:
    def view(rows: pl.LazyFrame) -> pl.LazyFrame:
        return rows.with_columns(
            mean=pl.col("spent").rolling_mean_by("at", "7d").over("id"), who=pl.col("id").str.head(3),
            hour=pl.col("at").dt.hour(),
        )  # fmt: skip

    assert made(view, "mean", "who", "hour") == {"mean": ("spent",), "who": ("id",), "hour": ("at",)}


def test_columns_that_choose_rows_count() -> None:
    def view(rows: pl.LazyFrame) -> pl.LazyFrame:
        older = rows.filter(pl.col("age") > 60).group_by("id", "at").agg(pl.len().alias("visits"))
        return rows.select("id", "at", "spent").join(older, on=["id", "at"], how="left")

    # a join may leave rows out or repeat them, so that who is older tells of every column
    assert made(view, "spent", "visits") == {"spent": ("age", "spent"), "visits": ("age",)}


def test_a_group_is_not_what_it_is_grouped_by() -> None:
    def view(rows: pl.LazyFrame) -> pl.LazyFrame:
        return rows.sort("at").group_by_dynamic("at", every="1d", group_by="id").agg(pl.col("spent").sum())

    assert made(view, "spent") == {"spent": ("spent",)}


@pytest.mark.parametrize(
    "view",
    [
        lambda rows: rows.collect().lazy(),
        lambda rows: rows.map_batches(lambda frame: frame),
        lambda rows: rows.with_columns(age=pl.lit(rows.select("age").collect().row(0)[0])),
        lambda rows: rows.select("nothing"),
    ],
)
def test_a_view_that_cannot_be_asked_is_made_of_all(view: View) -> None:
    assert made(view, "spent") == {"spent": tuple(each for each in ALL if each not in ("id", "at"))}
