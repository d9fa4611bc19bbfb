from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given

from argosy.errors import DeclarationError, InputError
from argosy.features.join import Source, join
from tests.features.oracle import VALUES, Schema, answers, asked, bits, moment, spines, tables

DAY = timedelta(days=1)


def day(number: int) -> datetime:
    return datetime(2024, 1, number, tzinfo=UTC)


def fact(event: int, known: int, v: int) -> dict[str, Any]:
    return {"e": "a", "event": day(event), "known": day(known), "v": v}


def one(rows: list[dict[str, Any]], at: datetime, ttl: timedelta | None = None) -> dict[str, Any]:
    """What one spine row of entity "a" gets at `at`."""
    schema: Schema = {
        "e": pl.String,
        "event": pl.Datetime("us", "UTC"),
        "known": pl.Datetime("us", "UTC"),
        "v": pl.Int64,
    }
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    spine = pl.DataFrame({"e": ["a"], "at": [at]})
    source = Source("view", ("e",), "event", "known", ("v",), ttl)
    return join(spine, "at", [(source, frame)], ages=True).row(0, named=True)


def test_the_answer_is_cut_as_the_spine_is() -> None:
    parts = [pl.DataFrame({"e": [1] * 5_000, "at": [day(n)] * 5_000}) for n in (1, 2, 3)]
    whole = pl.Series("w", range(15_000)).to_frame()
    spine = pl.concat([pl.concat(parts, rechunk=False), whole], how="horizontal")
    assert spine.n_chunks("all") == [3, 3, 1]
    source = Source("view", ("e",), "event", None, ("v",))
    joined = join(spine, "at", [(source, pl.DataFrame({"e": [1], "event": [day(2)], "v": [7]}))])
    assert joined["v"].to_list() == [None] * 5_000 + [7] * 10_000
    assert joined.n_chunks("all") == [3, 3, 3, 3]


@given(asked(), tables(), spines())
def test_equals_brute_force(source: Source, rows: pl.DataFrame, spine: pl.DataFrame) -> None:
    result = join(spine, "at", [(source, rows)], ages=True)
    assert result.select(spine.columns).equals(spine)
    assert bits(result.select(*VALUES, "boards.age").rows()) == bits(answers(source, rows, spine, "at"))
    assert [result.schema[name] for name in VALUES] == [rows.schema[name] for name in VALUES]


@given(asked(), tables(), spines())
def test_lazy_rows_and_other_units_answer_alike(source: Source, rows: pl.DataFrame, spine: pl.DataFrame) -> None:
    expected = bits(join(spine, "at", [(source, rows)]).select(VALUES).rows())
    finer = rows.with_columns(pl.col("event").dt.cast_time_unit("ns"))
    coarser = spine.with_columns(pl.col("at").dt.cast_time_unit("ms").dt.convert_time_zone("America/New_York"))
    assert bits(join(coarser, "at", [(source, finer.lazy())]).select(VALUES).rows()) == expected


def test_trap_correction_does_not_leak_and_replaces_from_its_known_time_on() -> None:
    rows = [
        fact(event=5, known=5, v=1),
        fact(event=5, known=10, v=99),
    ]
    assert one(rows, day(5))["v"] == 1
    assert one(rows, day(10) - timedelta(microseconds=1))["v"] == 1
    assert one(rows, day(10))["v"] == 99


def test_among_equal_events_the_one_known_last_answers_then_the_last_row() -> None:
    rows = [fact(event=9, known=5, v=5), fact(event=9, known=7, v=7), fact(event=9, known=6, v=6)]
    assert one(rows, day(9))["v"] == 7
    assert one([*rows, fact(event=9, known=7, v=8)], day(9))["v"] == 8


def test_trap_late_row_counts_only_once_known() -> None:
    rows = [fact(event=1, known=1, v=1), fact(event=3, known=10, v=3)]
    assert one(rows, day(5))["v"] == 1
    assert one(rows, day(10))["v"] == 3


def test_trap_late_row_of_an_older_event_never_replaces() -> None:
    rows = [fact(event=4, known=4, v=4), fact(event=3, known=10, v=3)]
    assert one(rows, day(12))["v"] == 4


def test_trap_expired_value_is_null_and_its_row_stays() -> None:
    rows = [fact(event=2, known=2, v=7)]
    assert one(rows, day(3), ttl=DAY)["v"] == 7
    expired = one(rows, day(3) + timedelta(microseconds=1), ttl=DAY)
    assert expired["v"] is None
    assert expired["view.age"] == DAY + timedelta(microseconds=1)


def test_trap_a_late_old_row_does_not_renew_what_has_expired() -> None:
    rows = [fact(event=1, known=9, v=1)]
    assert one(rows, day(9), ttl=DAY)["v"] is None


def test_trap_large_integers_beside_nulls_stay_exact() -> None:
    spine = pl.DataFrame({"e": [1, 2], "at": [day(5), day(5)]})
    rows = pl.DataFrame({"e": [1], "event": [day(5)], "v": [2**53 + 1]})
    result = join(spine, "at", [(Source("view", ("e",), "event", None, ("v",)), rows)])
    assert result["v"].to_list() == [2**53 + 1, None]
    assert result.schema["v"] == pl.Int64


def test_trap_nanoseconds_are_compared_exactly() -> None:
    spine = pl.DataFrame({"e": [1], "at": [day(5)]})
    rows = pl.DataFrame({"e": [1, 1], "event": [day(5), day(5)], "v": [1, 2]}).with_columns(
        pl.col("event").dt.cast_time_unit("ns") + pl.Series([0, 1], dtype=pl.Duration("ns"))
    )
    result = join(spine, "at", [(Source("view", ("e",), "event", None, ("v",)), rows)])
    assert result["v"].to_list() == [1]


def test_several_sources_in_one_pass_with_columns_named_like_internals() -> None:
    spine = pl.DataFrame({"code": ["x", "y"], "eff": [1, 2], "at": [moment(5), moment(6)], "row": [0, 1]})
    first = pl.DataFrame({"code": ["x", "y"], "event": [moment(1), moment(7)], "line": [1, 2]})
    second = pl.DataFrame({"eff": [1, 2, 2], "known": [moment(1)] * 3, "e0": [1, 2, 3]})
    result = join(
        spine,
        "at",
        [
            (Source("a", ("code",), "event", None, ("line",)), first),
            (Source("b", ("eff",), "known", None, ("e0",)), second),
        ],
    )
    assert result.rows() == [("x", 1, moment(5), 0, 1, 1), ("y", 2, moment(6), 1, None, 3)]


def test_narrower_entity_types_match_by_value() -> None:
    spine = pl.DataFrame({"e": pl.Series([1, 2], dtype=pl.Int8), "c": ["x", "y"], "at": [moment(5)] * 2})
    rows = pl.DataFrame({"e": [1, 258], "c": ["x", "y"], "event": [moment(1)] * 2, "v": [1, 2]})
    rows = rows.with_columns(pl.col("c").cast(pl.Categorical))
    result = join(spine, "at", [(Source("a", ("e", "c"), "event", None, ("v",)), rows)])
    assert result["v"].to_list() == [1, None]


@pytest.mark.parametrize(
    ("source", "error", "words"),
    [
        (Source("view", ("e",), "event", None, ("w",)), InputError, "'w'"),
        (Source("view", ("f",), "event", None, ("v",)), InputError, "'f'"),
        (Source("view", ("e",), "naive", None, ("v",)), InputError, "time zone"),
        (Source("view", ("share",), "event", None, ("v",)), InputError, "Float64"),
        (Source("view", ("text",), "event", None, ("v",)), InputError, "String"),
        (Source("view", ("e",), "event", None, ("at",)), DeclarationError, "'at'"),
    ],
)
def test_errors_name_the_column(source: Source, error: type[Exception], words: str) -> None:
    spine = pl.DataFrame({"e": [1], "share": [0.5], "text": [1], "at": [moment(5)]})
    rows = pl.DataFrame({"e": [1], "share": [0.5], "text": ["1"], "event": [moment(1)], "v": [1], "f": [2], "at": [0]})
    rows = rows.with_columns(naive=pl.col("event").dt.replace_time_zone(None))
    with pytest.raises(error, match=words):
        join(spine, "at", [(source, rows)])


@pytest.mark.parametrize("fields", [{"entity": ()}, {"columns": ()}, {"ttl": timedelta(-1)}])
def test_a_source_is_checked_when_made(fields: dict[str, Any]) -> None:
    given = {"name": "view", "entity": ("e",), "time": "t", "known": None, "columns": ("v",), "ttl": None}
    with pytest.raises(DeclarationError, match="view"):
        Source(**{**given, **fields})
