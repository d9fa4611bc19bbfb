"""Conditions: what is compiled for a fleet and what is explained for one member never disagree."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import argosy as ag
from argosy.controller import signal
from argosy.controller.condition import because, compile, explain, leaves, rule
from argosy.spec import duration
from argosy.spec.condition import AllOf, AnyOf, Condition, Degraded, Drifted, Never, NewRows, Not, OlderThan
from tests.spec.declarations import conditions

NOW = datetime(2013, 6, 1, tzinfo=UTC)
COLUMNS: dict[str, Any] = {
    signal.DRIFT: pl.Float64, signal.DRIFT_VALUE: pl.Float64, signal.DEGRADED: pl.Float64, "new_rows": pl.Float64,
    "trained_at": pl.Datetime("us", "UTC"), signal.SCORE: pl.Float64, signal.SCORE_ROWS: pl.Float64,
}  # fmt: skip
values = st.none() | st.floats(0, 10) | st.sampled_from([0.0, 1.0, 0.2])
rows = st.fixed_dictionaries(
    {name: values for name in COLUMNS if name not in ("trained_at", "new_rows", signal.DEGRADED)}
    | {
        signal.DEGRADED: st.sampled_from([None, 0.0, 1.0]),
        "new_rows": st.none() | st.integers(0, 12_000).map(float),
        "trained_at": st.none() | st.timedeltas(timedelta(), timedelta(days=400)).map(lambda ago: NOW - ago),
    }
)


def holds(condition: Condition, row: dict[str, Any]) -> bool:
    """What the words of a condition mean, said once more in Python."""

    def above(name: str, limit: float | None) -> bool:
        return row[name] is not None and limit is not None and row[name] > limit

    match condition:
        case AllOf(conditions=parts):
            return all([holds(part, row) for part in parts])
        case AnyOf(conditions=parts):
            return any([holds(part, row) for part in parts])
        case Not(condition=part):
            return not holds(part, row)
        case Drifted(limit=None):
            return above(signal.DRIFT, 1)
        case Drifted(limit=limit):
            return above(signal.DRIFT_VALUE, limit)
        case Degraded():
            return above(signal.DEGRADED, 0)
        case OlderThan(age=age):
            return row["trained_at"] is not None and NOW - row["trained_at"] >= duration.parse(age)
        case NewRows(count=count):
            return row["new_rows"] is not None and row["new_rows"] >= count
        case Never():
            return False


@given(conditions, st.lists(rows, min_size=1, max_size=8))
def test_compiled_explained_and_meant_are_the_same(condition: Condition, table: list[dict[str, Any]]) -> None:
    frame = pl.DataFrame(table, schema=COLUMNS)
    compiled = frame.select(held=compile(condition, NOW))["held"]
    assert compiled.null_count() == 0
    assert len(compiled) in (len(table), 1)
    found = frame.select(pl.col("new_rows"), held=compile(condition, NOW))["held"].to_list()
    assert found == [explain(condition, row, NOW).holds for row in table]
    assert found == [holds(condition, row) for row in table]


@given(conditions)
def test_the_rule_is_what_a_user_would_write(condition: Condition) -> None:
    words = {name: getattr(ag, name) for name in ("drifted", "degraded", "older_than", "new_rows", "never")}
    assert eval(rule(condition), words) == condition


@given(conditions, rows)
def test_an_explanation_has_the_shape_of_its_condition(condition: Condition, row: dict[str, Any]) -> None:
    seen = explain(condition, row, NOW)
    lines = list(seen.lines())
    assert lines[0].startswith("✓" if seen.holds else "✗")
    for leaf in leaves(condition):
        assert any(rule(leaf) in line for line in lines)
    assert len(lines) >= len(leaves(condition))


@given(conditions)
def test_leaves_look_at_a_value_each_once(condition: Condition) -> None:
    found = leaves(condition)
    assert len(set(found)) == len(found)
    assert not any(isinstance(leaf, (AllOf, AnyOf, Not)) for leaf in found)


def reasons(condition: Condition, row: dict[str, Any]) -> list[str]:
    """The rules that make a condition true, said once more in Python."""
    if not holds(condition, row):
        return []
    if isinstance(condition, (AllOf, AnyOf)):
        return list(dict.fromkeys(each for part in condition.conditions for each in reasons(part, row)))
    return [rule(condition)]


@given(conditions, st.lists(rows, min_size=1, max_size=8))
def test_the_reasons_are_the_rules_that_make_it_true(condition: Condition, table: list[dict[str, Any]]) -> None:
    frame = pl.DataFrame(table, schema=COLUMNS)
    told = frame.select(pl.col("new_rows"), told=because(condition, NOW))["told"].to_list()
    assert [set(each.split(" and ")) - {""} for each in told] == [set(reasons(condition, row)) for row in table]


def test_a_branch_that_does_not_hold_is_no_reason() -> None:
    condition = (ag.drifted() & ag.older_than("28d")) | (ag.older_than("14d") & ag.new_rows(300))
    row = {"trained_at": NOW - timedelta(days=40), "new_rows": 700.0}
    told = pl.DataFrame([row], schema=COLUMNS).select(because(condition, NOW)).item()
    assert told == "older_than('14d') and new_rows(300)"


KNOWN = {
    signal.DRIFT: 1.5, signal.DRIFT_VALUE: 0.3, signal.DEGRADED: 1.0, signal.SCORE: 0.61, signal.SCORE_ROWS: 80.0,
    "new_rows": 700.0, "trained_at": NOW - timedelta(days=3, hours=4),
}  # fmt: skip


@pytest.mark.parametrize(
    ("condition", "known", "unknown"),
    [
        (ag.drifted(), "worst distance 0.300, 1.50 of its limit", "not measured: too few rows were answered lately"),
        (ag.degraded(), "live score 0.610 on 80 rows, a limit is broken", "no labelled predictions yet"),
        (ag.older_than("2d"), "trained 3d 4h ago", "never trained"),
        (ag.new_rows(500), "700 new labelled rows", "not counted yet"),
        (ag.never(), "by hand only", "by hand only"),
    ],
)
def test_what_is_seen_in_words(condition: Condition, known: str, unknown: str) -> None:
    assert explain(condition, KNOWN, NOW).saw == known
    assert explain(condition, {}, NOW).saw == unknown
    assert explain(condition, {}, NOW).holds is False


def test_a_window_that_is_not_half_full_is_told_of() -> None:
    row = {signal.DRIFT_SINCE: (NOW - timedelta(hours=6)).timestamp(), signal.DRIFT_WINDOW: 7 * 86_400.0}
    said = "not measured: rows of 6h so far, a window of 7d counts from half of it on"
    assert explain(ag.drifted(), row, NOW).saw == said
    assert explain(ag.drifted(), row | KNOWN, NOW).saw == "worst distance 0.300, 1.50 of its limit"


def test_the_tree_of_a_whole_condition() -> None:
    condition = (ag.drifted() | ag.older_than("60d")) & ~ag.new_rows(1000)
    assert list(explain(condition, KNOWN, NOW).lines()) == [
        "✓ all of",
        "  ✓ any of",
        "    ✓ drifted(): worst distance 0.300, 1.50 of its limit",
        "    ✗ older_than('60d'): trained 3d 4h ago",
        "  ✓ not",
        "    ✗ new_rows(1000): 700 new labelled rows",
    ]
    assert rule(condition) == "(drifted() | older_than('60d')) & ~new_rows(1000)"
