from __future__ import annotations

from datetime import UTC, datetime

import polars as pl
import pytest

from argosy.errors import InputError
from argosy.features.request import apply, roots

DEPARTS = pl.col("departs")
CALENDAR = {
    "hour": DEPARTS.dt.hour(),
    "far": pl.when(pl.col("distance") > 1_000).then(pl.lit("far")).otherwise(pl.lit("near")),
    "distance": pl.col("distance").log() + pl.coalesce("extra", pl.lit(0)),
    "always": pl.lit(1),
    "known": pl.col("carrier").is_in(["AA", "UA"]) & pl.col("carrier").str.to_lowercase().is_not_null(),
}
FRAME = pl.DataFrame(
    {
        "departs": [datetime(2013, 1, 1, hour, tzinfo=UTC) for hour in (5, 17)],
        "distance": [100, 2_000],
        "extra": [None, 1],
        "carrier": ["AA", None],
    }
)


def test_features_are_computed_from_the_columns_that_came() -> None:
    result = apply(CALENDAR, FRAME)
    assert result["hour"].to_list() == [5, 17]
    assert result["far"].to_list() == ["near", "far"]
    assert result["always"].to_list() == [1, 1]
    assert result["known"].to_list() == [True, False]
    assert result.columns == ["departs", "distance", "extra", "carrier", "hour", "far", "always", "known"]


def test_one_row_alone_gives_what_it_gives_among_others() -> None:
    whole = apply(CALENDAR, FRAME)
    assert pl.concat([apply(CALENDAR, FRAME[i : i + 1]) for i in range(2)]).equals(whole)
    assert apply(CALENDAR, FRAME.clear()).schema == whole.schema


def test_roots_are_sorted_and_distinct() -> None:
    assert roots(CALENDAR) == ("carrier", "departs", "distance", "extra")


def test_every_missing_column_is_named() -> None:
    with pytest.raises(InputError, match="columns 'carrier', 'extra'"):
        apply(CALENDAR, FRAME.drop("carrier", "extra"))


def test_an_expression_of_the_wrong_length_names_the_feature() -> None:
    with pytest.raises(InputError, match="'half'"):
        apply({"half": pl.col("distance").filter(pl.col("distance") > 3_000)}, FRAME)


def test_a_column_of_another_type_names_the_feature() -> None:
    with pytest.raises(InputError, match=r"'hour'.*departs.*String"):
        apply(CALENDAR, FRAME.with_columns(departs=pl.lit("noon")))
