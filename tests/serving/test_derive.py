"""Request features of single rows and of batches equal what Polars makes of a frame of datetimes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from argosy.serving.derive import Derivation
from argosy.serving.routing import Datatype, Endpoint, Input
from argosy.spec.expression import Expression

_LOCAL = pl.col("t").dt.convert_time_zone("America/New_York")
EXPRESSIONS = {
    "hour": _LOCAL.dt.hour(),
    "weekday": _LOCAL.dt.weekday(),
    "month": pl.col("t").dt.month(),
    "micros": pl.col("t").dt.timestamp("us"),
    "rush": _LOCAL.dt.hour().is_between(16, 19) & (pl.col("n") > 3),
    "speed": pl.col("x") / pl.col("n"),
    "text": pl.col("s").str.to_uppercase() + pl.lit("-") + pl.col("n").cast(pl.String),
    "one": pl.lit(1),
}
TYPES: dict[str, pl.DataType] = {
    "t": pl.Datetime("us", "UTC"), "n": pl.Int64(), "x": pl.Float64(), "s": pl.String(), "b": pl.Boolean(),
}  # fmt: skip
_WIRE: dict[str, Datatype] = {"t": "TIME", "n": "INT64", "x": "FP64", "s": "BYTES", "b": "BOOL"}
ENDPOINT = Endpoint(
    "f", "regression", (), tuple(Input(name, kind) for name, kind in _WIRE.items()),
    tuple((name, Expression.of(each, name)) for name, each in EXPRESSIONS.items()),
)  # fmt: skip
_TIMES = st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1)).map(lambda each: each.replace(tzinfo=UTC))
ROWS = st.tuples(
    st.none() | _TIMES,
    st.none() | st.integers(-(2**63), 2**63 - 1),
    st.none() | st.floats(allow_nan=False),
    st.none() | st.text(),
    st.none() | st.booleans(),
)


@given(st.lists(ROWS, min_size=1, max_size=3))
def test_what_is_derived_equals_polars_on_datetimes(rows: list[tuple[Any, ...]]) -> None:
    columns = {name: list(values) for name, values in zip(TYPES, zip(*rows, strict=True), strict=True)}
    frame = pl.DataFrame([pl.Series(name, values, dtype=TYPES[name]) for name, values in columns.items()])
    Derivation(ENDPOINT).add(columns, len(rows))
    expected = frame.with_columns(each.alias(name) for name, each in EXPRESSIONS.items())
    assert pl.DataFrame(columns, schema=expected.schema).equals(expected)


def test_a_value_that_is_given_wins_and_only_what_is_missing_is_derived() -> None:
    at = datetime(2013, 4, 1, 12, tzinfo=UTC) + timedelta(microseconds=1)
    columns: dict[str, list[Any]] = {"t": [at], "n": [0], "x": [1.0], "s": ["a"], "b": [True], "hour": [99]}
    Derivation(ENDPOINT).add(columns, 1)
    assert (columns["hour"], columns["weekday"], columns["micros"]) == ([99], [1], [1_364_817_600_000_001])


def test_an_expression_whose_column_is_not_there_names_the_fleet() -> None:
    lost = Derivation(ENDPOINT).add({"n": [1]}, 1)
    assert "hour" in lost and all("request features of fleet 'f'" in str(error) for error in lost.values())


def test_an_expression_that_fails_costs_its_own_feature_alone() -> None:
    strict = Expression.of(pl.col("s").cast(pl.Int64), "strict")
    positive = Expression.of(pl.col("n").filter(pl.col("n") > 0), "positive")
    far = Expression.of(pl.lit(datetime(9999, 12, 31)).dt.offset_by("1d"), "far")
    after = Expression.of(pl.col("n") + 1, "after")
    made = {"strict": strict, "positive": positive, "far": far, "after": after}
    inputs = (Input("n", "INT64"), Input("s", "BYTES"))
    columns: dict[str, list[Any]] = {"n": [1, -1, 2], "s": ["1", "x", "2"]}
    lost = Derivation(Endpoint("f", "regression", (), inputs, tuple(made.items()))).add(columns, 3)
    assert list(lost) == ["strict", "positive", "far"] and columns.keys() == {"n", "s", "after"}
    assert "'positive' gives 2 values for 3 rows" in str(lost["positive"]) and columns["after"] == [2, 0, 3]
