from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from argosy.data.part import Layout
from argosy.data.profile import profile
from argosy.data.terms import Terms, suggest
from argosy.data.validate import affected, repeated, validate, whole
from argosy.errors import InputError
from argosy.spec.contract import Column, Contract, Rule
from argosy.spec.expression import Expression
from tests.data.table import DAY, START, rows

LAYOUT = Layout("t", None, ("id",))


def check(frame: pl.DataFrame, **contract: object) -> dict[str, int]:
    """How many rows break each rule."""
    verdict = validate(frame, Terms(Contract(**contract)), LAYOUT)  # type: ignore[arg-type]
    return {problem.rule: problem.rows for problem in verdict.problems}


@pytest.mark.parametrize(
    ("column", "values", "found"),
    [
        (Column(nullable=False), [1.0, None], {"nullable": 1}),
        (Column(minimum=0, maximum=1), [-1.0, 0.0, 1.0, 2.0, None], {"range": 2}),
        (Column(minimum=0), [float("nan"), 1.0], {"range": 1}),
        (Column(allowed=("a", "b")), ["a", "c", None], {"allowed": 1}),
        (Column(allowed=(1, 2)), [1, 3, 3], {"allowed": 2}),
        (Column(allowed=(True,)), [True, False], {"allowed": 1}),
        (Column(pattern="^[a-z]+$"), ["abc", "a1", None], {"pattern": 1}),
        (Column(presence=0.5), [1.0, None, None], {"presence": 2}),
        (Column(presence=0.5), [1.0, 2.0, None], {}),
    ],
)
def test_each_rule_counts_the_rows_that_break_it(column: Column, values: list[object], found: dict[str, int]) -> None:
    assert check(rows(0, len(values), c=values), columns={"c": column}) == found


def test_own_rules_hold_row_by_row_and_as_a_whole() -> None:
    each = Rule("each", Expression.of(pl.col("x") < 3, "x"))
    total = Rule("total", Expression.of(pl.col("x").sum() < 3, "x"), on_failure="warn")
    assert check(rows(0, 5), rules=(each, total)) == {"each": 2, "total": 5}
    with pytest.raises(InputError, match="rule 'gone' cannot be computed"):
        check(rows(0, 5), rules=(Rule("gone", Expression.of(pl.col("y") < 3, "y")),))


def test_a_range_of_text_is_refused() -> None:
    with pytest.raises(InputError, match="has a range, but c is String"):
        check(rows(0, 1, c=["a"]), columns={"c": Column(minimum=1)})


def test_key_and_time_are_always_required() -> None:
    assert check(rows(0, 2).with_columns(id=pl.lit(None, pl.Int64))) == {"required": 2}


def test_rows_are_set_aside_with_every_reason_and_warnings_leave_them() -> None:
    contract = Contract(
        {
            "x": Column(maximum=2, on_failure="quarantine"),
            "c": Column(allowed=("a",), on_failure="quarantine"),
            "id": Column(maximum=0, on_failure="warn"),
        }
    )
    verdict = validate(rows(0, 4, c=["a", "b", "a", "b"]), Terms(contract), LAYOUT)
    assert verdict.good["id"].to_list() == [0, 2]
    assert verdict.aside["reason"].to_list() == ["c is none of a", "x is not at most 2; c is none of a"]
    assert {problem.severity for problem in verdict.problems} == {"quarantine", "warn"}
    assert all(len(problem.examples) <= 5 for problem in verdict.problems)
    assert verdict.problems[-1].examples[0] == {"id": 1, "t": "2024-01-01T01:00:00Z"}


def test_a_correction_repeats_nothing_but_another_key_does() -> None:
    stored = rows(0, 2, mail=["a", "b"]).lazy()
    assert repeated(rows(1, 1, at=START + DAY, mail=["b"]), stored, ("mail",), LAYOUT) == []
    assert repeated(rows(2, 1, at=START + DAY, mail=["b"]), stored, ("mail",), LAYOUT)[0].rows == 2
    assert repeated(rows(0, 2, mail=["c", "c"]), None, ("mail",), LAYOUT)[0].rows == 2


def test_counts_and_age_are_judged_for_the_version() -> None:
    terms = Terms(Contract(rows=(2, 10), freshness="1d"))
    assert [problem.rule for problem in whole(terms, 1, START, START + 2 * DAY)] == ["rows", "freshness"]
    assert whole(terms, 2, START, START + DAY) == []


def test_affected_members_are_named_as_the_fleet_names_them() -> None:
    frame = pl.DataFrame({"a": ["x/y", "50%", None], "b": [1, 2, 3]})
    assert affected(frame, ["a", "b"]) == ["50%25/2", "x%2Fy/1"]
    assert affected(frame, []) == [""] and affected(frame.head(0), []) == []


def test_suggestions_leave_one_wild_value_out() -> None:
    frame = rows(0, 5000).with_columns(
        x=pl.when(pl.col("id") == 7).then(1e6).otherwise(pl.col("id") % 10), c=pl.lit("a")
    )
    found = suggest(frame, LAYOUT)
    assert found["x"]["maximum"] < 100 and found["c"]["allowed"] == ["a"] and "t" not in found


@given(st.lists(st.lists(st.one_of(st.none(), st.floats(-1e6, 1e6)), min_size=1, max_size=30), min_size=1, max_size=5))
def test_statistics_of_all_versions_are_those_of_all_rows(batches: list[list[float | None]]) -> None:
    body = None
    for batch in batches:
        body = profile(pl.DataFrame({"x": batch}, schema={"x": pl.Float64}), body)
    assert body is not None
    total, values = body["x"]["total"], pl.Series([value for batch in batches for value in batch], dtype=pl.Float64)
    assert (total["count"], total["nulls"]) == (len(values), values.null_count())
    assert (total.get("minimum"), total.get("maximum")) == (values.min(), values.max())
    if values.count():
        assert total["mean"] == pytest.approx(values.mean(), abs=1e-6, rel=1e-9)
        assert total["deviation"] == pytest.approx(values.std(ddof=0), abs=1e-3, rel=1e-6)
        assert sum(total["histogram"]) == values.count()


def test_categories_are_counted_over_versions_until_there_are_too_many() -> None:
    first = profile(pl.DataFrame({"c": ["a", "b", "a", None]}))
    assert first["c"]["top"] == {"a": 2, "b": 1} and first["c"]["distinct"] == 2
    second = profile(pl.DataFrame({"c": ["b", "c"]}), first)
    assert second["c"]["total"]["counts"] == {"a": 2, "b": 2, "c": 1}
    many = profile(pl.DataFrame({"c": [str(i) for i in range(2000)]}), second)
    assert many["c"]["total"]["counts"] is None and len(many["c"]["top"]) == 20
