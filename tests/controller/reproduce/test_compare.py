"""Comparing what was done again with what is recorded."""

from __future__ import annotations

import math
from typing import Any

import msgspec
import pytest

from argosy.controller.reproduce.compare import compare
from argosy.controller.reproduce.outcome import DONE, Piece

FIT = Piece(
    state=DONE, recipe={"parts": {"m:fit": "1"}, "libraries": {"lightgbm": "4.6.0"}}, metrics={"auc": 0.5},
    given={"rows": {"content": "table:1", "from": "load"}, "depth": {"value": 3}}, hashes={"bytes": "a" * 64},
    counts={"rows": 10},
)  # fmt: skip


def other(**changes: Any) -> Piece:
    return msgspec.structs.replace(FIT, **changes)


def test_what_is_the_same_is_counted() -> None:
    found = compare({"fit": FIT}, {"fit": FIT})
    assert found.alike and found.differences == []
    assert found.same == {"state": 1, "count": 1, "metric": 1, "artifact": 1}


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({}, "is not deterministic"),
        ({"recipe": {**FIT.recipe, "libraries": {"lightgbm": "4.7.0"}}}, "library lightgbm: 4.6.0 -> 4.7.0"),
        ({"given": {**FIT.given, "rows": {"content": "table:2", "from": "load"}}}, "input rows, from load, has other"),
        ({"given": {**FIT.given, "depth": {"value": 4}}}, "argument depth: 3 -> 4"),
    ],
)
def test_a_difference_has_the_reason_that_is_on_record(changes: dict[str, Any], why: str) -> None:
    (found,) = compare({"fit": FIT}, {"fit": other(hashes={"bytes": "b" * 64}, **changes)}).differences
    assert (found.place, found.kind, found.name, found.before, found.after) == (
        "fit", "artifact", "bytes", "a" * 64, "b" * 64,
    )  # fmt: skip
    assert why in found.why and found.counted


def test_a_step_that_is_done_anew_always_is_told_as_such() -> None:
    one = other(volatile=True)
    (found,) = compare({"fit": one}, {"fit": msgspec.structs.replace(one, hashes={"bytes": "b"})}).differences
    assert "cache=False" in found.why


def test_metrics_may_differ_by_the_tolerance_and_bytes_count_no_more_then() -> None:
    after = {"fit": other(metrics={"auc": 0.5 + 1e-10}, hashes={"bytes": "b"})}
    assert [each.kind for each in compare({"fit": FIT}, after).differences] == ["metric", "artifact"]
    near = compare({"fit": FIT}, after, tolerance=1e-9)
    assert near.alike and near.same["metric"] == 1
    assert [(each.kind, each.counted) for each in near.differences] == [("artifact", False)]
    far = compare({"fit": FIT}, {"fit": other(metrics={"auc": 0.6}, hashes={"bytes": "b"})}, tolerance=1e-9)
    assert [(each.kind, each.counted) for each in far.differences] == [("metric", True), ("artifact", True)]


def test_bytes_of_what_has_no_metrics_count_whatever_the_tolerance() -> None:
    before, after = other(metrics={}), other(metrics={}, hashes={"bytes": "b"})
    assert not compare({"fit": before}, {"fit": after}, tolerance=0.1).alike


def test_nan_is_like_nan_and_like_nothing_else() -> None:
    nan = other(metrics={"auc": math.nan})
    assert compare({"fit": nan}, {"fit": nan}).alike
    assert not compare({"fit": nan}, {"fit": FIT}, tolerance=1.0).alike


def test_of_a_call_that_ended_otherwise_that_alone_is_told() -> None:
    failed = Piece(state="failed", reason="ValueError: no root")
    (found,) = compare({"fit": FIT}, {"fit": failed}).differences
    assert (found.kind, found.before, found.after, found.why) == ("state", DONE, "failed", "ValueError: no root")
    (found,) = compare({"fit": failed}, {"fit": FIT}).differences
    assert found.why == "then: ValueError: no root"


def test_calls_of_one_of_the_two_are_differences() -> None:
    found = compare({"fit": FIT, "map[1]": FIT}, {"fit": FIT}).differences
    assert [(each.place, each.before, each.after) for each in found] == [("map[1]", DONE, None)]
