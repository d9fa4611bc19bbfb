"""Request features of single rows and of batches equal what Polars makes of a frame of datetimes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
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
STRICT = Expression.of(pl.col("s").cast(pl.Int64), "strict")
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
    beside, lost = Derivation(ENDPOINT).beside(frame)
    Derivation(ENDPOINT).add(columns, len(rows))
    expected = frame.with_columns(each.alias(name) for name, each in EXPRESSIONS.items())
    assert pl.DataFrame(columns, schema=expected.schema).equals(expected)
    assert beside.equals(expected) and not lost


@given(st.lists(st.none() | _TIMES, min_size=4, max_size=80))
def test_what_is_derived_of_many_times_equals_polars(times: list[datetime | None]) -> None:
    endpoint = msgspec.structs.replace(ENDPOINT, request_features=ENDPOINT.request_features[:3])
    for given_ in (times, times[:1] * len(times), (times * 8)[: 8 * len(times[:8])]):
        columns: dict[str, list[Any]] = {"t": given_}
        Derivation(endpoint).add(columns, len(given_))
        frame = pl.DataFrame(pl.Series("t", given_, dtype=TYPES["t"]))
        expected = frame.with_columns(EXPRESSIONS[name].alias(name) for name in ("hour", "weekday", "month"))
        assert pl.DataFrame(columns, schema=expected.schema).equals(expected)


def test_a_value_that_is_given_wins_and_only_what_is_missing_is_derived() -> None:
    at = datetime(2013, 4, 1, 12, tzinfo=UTC) + timedelta(microseconds=1)
    columns: dict[str, list[Any]] = {"t": [at], "n": [0], "x": [1.0], "s": ["a"], "b": [True], "hour": [99]}
    Derivation(ENDPOINT).add(columns, 1)
    assert (columns["hour"], columns["weekday"], columns["micros"]) == ([99], [1], [1_364_817_600_000_001])


def test_an_expression_whose_column_is_not_there_names_the_fleet() -> None:
    lost = Derivation(ENDPOINT).add({"n": [1]}, 1)
    assert "hour" in lost and all("features of fleet 'f' fail on row 0" in str(each.error(0)) for each in lost.values())


def endpoint(made: dict[str, Expression]) -> Endpoint:
    return Endpoint("f", "regression", (), (Input("n", "INT64"), Input("s", "BYTES")), tuple(made.items()))


def test_an_expression_that_fails_costs_its_own_feature_alone() -> None:
    positive = Expression.of(pl.col("n").filter(pl.col("n") > 0), "positive")
    far = Expression.of(pl.lit(datetime(9999, 12, 31)).dt.offset_by("1d"), "far")
    after = Expression.of(pl.col("n") + 1, "after")
    made = {"strict": STRICT, "positive": positive, "far": far, "after": after}
    columns: dict[str, list[Any]] = {"n": [1, -1, 2], "s": ["1", "x", "2"]}
    lost = Derivation(endpoint(made)).add(columns, 3)
    assert {name: sorted(each.why) for name, each in lost.items()} == {
        "strict": [1], "positive": [0, 1, 2], "far": [0, 1, 2],
    }  # fmt: skip
    assert "'positive' gives 2 values for 3 rows" in str(lost["positive"].error(0))
    assert (columns["strict"], columns["far"], columns["after"]) == ([1, None, 2], [None] * 3, [2, 0, 3])


@given(st.lists(st.sampled_from(["7", "8", "x", "", None]), min_size=1, max_size=40))
def test_only_rows_that_fail_by_themselves_are_lost(texts: list[str | None]) -> None:
    columns: dict[str, list[Any]] = {"n": [0] * len(texts), "s": list(texts)}
    frame = pl.DataFrame(columns, schema={"n": pl.Int64(), "s": pl.String()})
    beside, same = Derivation(endpoint({"strict": STRICT})).beside(frame)
    lost = Derivation(endpoint({"strict": STRICT})).add(columns, len(texts))
    bad = [row for row, text in enumerate(texts) if text in ("x", "")]
    assert sorted(lost["strict"].why if lost else ()) == bad
    assert columns["strict"] == [None if row in bad or text is None else int(text) for row, text in enumerate(texts)]
    assert beside["strict"].to_list() == columns["strict"] and same == lost
    for row in bad:
        error = str(lost["strict"].error(row))
        assert f"fail on row {row}: " in error and f'["{texts[row]}"]' in error


def test_the_search_for_rows_that_fail_has_an_end() -> None:
    texts = ["7"] * 50_000 + ["x"] * 50_000
    columns: dict[str, list[Any]] = {"n": [0] * len(texts), "s": texts}
    lost = Derivation(endpoint({"strict": STRICT})).add(columns, len(texts))
    assert sorted(lost["strict"].why) == list(range(50_000, 100_000))
    assert columns["strict"] == [7] * 50_000 + [None] * 50_000


def test_where_values_are_not_of_a_row_each_no_row_is_to_blame_by_itself() -> None:
    columns: dict[str, list[Any]] = {"n": [0] * 4, "s": ["1", "x", "2", "3"]}
    most = Expression.of(pl.col("s").cast(pl.Int64).max(), "most")
    lost = Derivation(endpoint({"most": most})).add(columns, 4)
    assert sorted(lost["most"].why) == [0, 1, 2, 3] and columns["most"] == [None] * 4
