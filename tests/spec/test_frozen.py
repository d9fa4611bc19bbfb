"""Frozen values: no way in changes them, and they are otherwise the dicts that they look like."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import msgspec
import polars as pl
import pytest
from sklearn.linear_model import LogisticRegression

import argosy as ag
from argosy.spec.estimator import Estimator
from argosy.spec.frozen import EMPTY, FrozenDict, frozen
from argosy.spec.search import Candidate

GIVEN: dict[str, Any] = {"a": [1, {"b": [2]}], "c": (3, [4]), "d": "x"}

CHANGES: list[Callable[[Any], object]] = [
    lambda held: held.__setitem__("a", 1),
    lambda held: held.__delitem__("a"),
    lambda held: held.__ior__({"a": 1}),
    lambda held: held.update(a=1),
    lambda held: held.setdefault("z", 1),
    lambda held: held.pop("a"),
    lambda held: held.popitem(),
    lambda held: held.clear(),
    lambda held: held.__init__({"z": 1}),
    lambda held: held.__init__(),
]


@pytest.mark.parametrize("change", CHANGES)
def test_no_method_changes_it(change: Callable[[Any], object]) -> None:
    for held in (frozen(GIVEN), frozen(GIVEN)["a"][1], EMPTY):
        before = dict(held)
        with pytest.raises(TypeError, match=r"a declaration is frozen, and so is its dict of .*\n  next: "):
            change(held)
        assert held == before


def test_every_method_of_dict_that_changes_it_is_among_them() -> None:
    reading = {"copy", "fromkeys", "get", "items", "keys", "values"}
    assert {name for name in vars(dict) if not name.startswith("_")} - reading <= set(vars(FrozenDict))


def test_it_is_a_copy_all_the_way_down() -> None:
    given = copy.deepcopy(GIVEN)
    held = frozen(given)
    given["a"][1]["b"].append(9)
    given["c"][1].clear()
    given["e"] = 1
    assert held == {"a": (1, {"b": (2,)}), "c": (3, (4,)), "d": "x"}


def test_it_compares_hashes_encodes_and_travels_as_its_values_do() -> None:
    held = frozen(GIVEN)
    turned = frozen(dict(reversed(GIVEN.items())))
    assert held == turned
    assert hash(held) == hash(turned) != hash(frozen({"a": 1}))
    assert msgspec.json.decode(msgspec.json.encode(held)) == {"a": [1, {"b": [2]}], "c": [3, [4]], "d": "x"}
    for again in (pickle.loads(pickle.dumps(held)), copy.deepcopy(held), copy.copy(held)):
        assert (type(again), again) == (FrozenDict, held)
    assert type(held | {"z": 1}) is dict


def candidate(search: dict[str, Any]) -> Candidate:
    """A candidate that is searched."""
    return ag.Candidate(LogisticRegression(), search)


MADE: list[tuple[Callable[[dict[str, Any]], Any], dict[str, Any], Callable[[Any], Any]]] = [
    (candidate, {"C": ag.Float(1, 2)}, lambda made: made.search),
    (lambda given: Estimator("a:B", given), {"x": {"$dict": {"y": [1]}}}, lambda made: made.parameters),
    (lambda given: ag.Csv("x", types=given), {"zip": "String"}, lambda made: made.types),
    (lambda given: ag.Contract(given), {"a": ag.Column()}, lambda made: made.columns),
    (
        lambda given: ag.Dataset("d", time="t", source=ag.Csv("x"), tags=given),
        {"a": "pii"},
        lambda made: made.tags,
    ),
    (lambda given: ag.RequestFeatures(**given), {"a": pl.col("a")}, lambda made: made.expressions),
]


@pytest.mark.parametrize(("make", "given", "held"), MADE)
def test_declarations_hold_frozen_copies(make: Callable[..., Any], given: dict[str, Any], held: Any) -> None:
    made, before = make(given), make(given)
    with pytest.raises(TypeError, match="a declaration is frozen"):
        held(made)["x"] = 1
    given.clear()
    assert made == before
    assert hash(made) == hash(before)
    assert held(made)


def test_parameters_are_frozen_all_the_way_down() -> None:
    given = {"x": {"$dict": {"y": [1, {"$tuple": [2]}]}}}
    made = Estimator("a:B", given)
    given["x"]["$dict"]["y"].append(5)
    assert made.parameters == {"x": {"$dict": {"y": (1, {"$tuple": (2,)})}}}
    with pytest.raises(TypeError, match="a declaration is frozen, and so is its dict of 'y'"):
        made.parameters["x"]["$dict"]["y"] = 1
