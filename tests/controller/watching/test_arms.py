"""The two sides of rollouts: whose rows are whose, which were scored by both, and what counts as one observation."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import polars as pl
import pytest

from argosy.controller.watching import arms
from tests.controller.snapshots import NOW

BEGAN = NOW - timedelta(hours=1)
TYPES = {"prediction": pl.Float64, "label": pl.Float64, "unit": pl.String}


def row(key: str, version: str, prediction: float | None, **more: Any) -> dict[str, Any]:
    """A recorded row of member a, which came in after the rollout began."""
    given = {"row_key": key, "member": "a", "at": NOW - timedelta(days=9), "arrived": NOW - timedelta(minutes=5)}
    told = {"version": version, "prediction": prediction, "label": None, "unit": None}
    return given | told | {"shadow": False, "ruled": False} | more


def rows(*given: dict[str, Any], pooled: bool = False) -> pl.DataFrame:
    """Of them those that count for version 2 of a, or of the pooled model."""
    tries = pl.DataFrame({
        "key": ["*" if pooled else "a"], "pooled": [pooled], "rollout_at": [BEGAN],
        "address": ["late/*@2" if pooled else "late/a@2"],
    })  # fmt: skip
    return arms.of(tries, pl.DataFrame(given, schema_overrides=TYPES))


def test_rows_that_a_shadow_scored_meet_those_that_the_champion_answered() -> None:
    found = arms.shadowing(rows(
        row("1", "late/a@1", 0.4, label=1.0), row("1", "late/a@2", 0.6, label=1.0, shadow=True),
        row("2", "late/a@1", 0.4), row("2", "late/a@2", 0.1, shadow=True),
        row("3", "late/a@1", 0.4, label=0.0), row("4", "late/a@1", 0.4, label=0.0),
        row("4", "late/a@2", None, label=0.0, shadow=True), row("5", "late/a@2", 0.9, label=1.0, shadow=True),
    ))["a"]  # fmt: skip
    assert (found.ours.y.tolist(), found.ours.p.tolist(), found.theirs.p.tolist()) == ([1.0], [0.6], [0.4])
    assert (found.ours.answered, found.ours.failed, found.theirs.answered) == (3, 1, 4)
    assert (found.paired, found.apart) == (2, pytest.approx(0.25))


def test_a_row_that_was_asked_for_again_is_one_pair() -> None:
    again = [row("1", "late/a@1", 0.4, label=1.0), row("1", "late/a@2", 0.6, label=1.0, shadow=True)] * 3
    found = arms.shadowing(rows(*again))["a"]
    assert (found.paired, len(found.ours.y), found.ours.answered) == (1, 1, 1)


def test_rows_that_a_rule_sent_to_a_version_are_on_neither_side() -> None:
    given = rows(
        row("1", "late/a@1", 0.4, label=1.0), row("2", "late/a@2", 0.5, label=1.0),
        row("3", "late/a@2", 0.5, label=1.0, ruled=True), row("4", "late/a@1", 0.5, label=1.0, ruled=True),
    )  # fmt: skip
    sides = arms.answering(given)["a"]
    assert (sides.ours.answered, sides.theirs.answered) == (1, 1)


def test_what_shadows_scored_answers_nothing_and_older_shadows_are_nobodys() -> None:
    given = rows(
        row("1", "late/a@1", 0.4, label=1.0), row("1", "late/a@0", 0.3, label=1.0, shadow=True),
        row("2", "late/a@2", 0.5, label=1.0), row("3", "late/a@2", 0.5, label=1.0, shadow=True),
        row("4", "late/a@2", 0.5, arrived=BEGAN - timedelta(seconds=1)),
    )  # fmt: skip
    sides = arms.answering(given)["a"]
    assert (sides.ours.answered, sides.theirs.answered) == (1, 1)
    assert set(given["row_key"]) == {"1", "2", "3"} and given.height == 3


def test_the_shadow_of_the_pooled_model_meets_its_champion_whosever_the_rows_are() -> None:
    found = arms.shadowing(rows(
        row("1", "late/*@1", 0.4, member="x"), row("1", "late/*@2", 0.6, member="x", shadow=True),
        row("2", "late/b@7", 0.4, member="b"), pooled=True,
    ))  # fmt: skip
    assert list(found) == ["*"] and found["*"].paired == 1


def test_rows_of_one_unit_are_one_observation_and_rows_without_one_stand_for_themselves() -> None:
    found = arms.units(rows(
        row("1", "late/a@2", 0.5, label=1.0, unit="ann"), row("2", "late/a@2", 0.75, label=1.0, unit="ann"),
        row("3", "late/a@2", 1.0, label=1.0), row("ann", "late/a@2", 0.0, label=1.0), row("5", "late/a@2", 0.5),
        row("6", "late/a@2", None, label=1.0), row("7", "late/a@1", 0.5, label=0.0, unit="bob"),
    ), "mae")  # fmt: skip
    ours, theirs = found["a", True], found["a", False]
    assert sorted(zip(ours.losses.tolist(), ours.rows.tolist(), strict=True)) == [(0.0, 1.0), (0.75, 2.0), (1.0, 1.0)]
    assert (theirs.losses.tolist(), theirs.rows.tolist()) == ([0.5], [1.0])
