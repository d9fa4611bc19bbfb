"""A task's key changes exactly when something that it depends on does."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from argosy.engine.key import environment, task_key, versions
from argosy.errors import InputError


def test_order_of_mappings_does_not_matter() -> None:
    one = task_key("c", {"a": 1, "b": {"x": 1, "y": {3, 1, 2}}}, ["i"], "e")
    assert one == task_key("c", {"b": {"y": {2, 3, 1}, "x": 1}, "a": 1}, ["i"], "e")
    assert len(one) == 64


@pytest.mark.parametrize(
    "other",
    [
        ("d", {"a": 1}, ["i", "j"], "e"),
        ("c", {"a": 2}, ["i", "j"], "e"),
        ("c", {"a": 1.0}, ["i", "j"], "e"),
        ("c", {"a": 1}, ["j", "i"], "e"),
        ("c", {"a": 1}, ["ij"], "e"),
        ("c", {"a": 1}, ["i", "j"], "f"),
    ],
)
def test_each_part_matters(other: tuple[str, Any, list[str], str]) -> None:
    assert task_key(*other) != task_key("c", {"a": 1}, ["i", "j"], "e")


def test_values_that_json_confuses_are_told_apart() -> None:
    values = [None, math.nan, math.inf, -math.inf, b"YQ==", "YQ==", "", 0, 0.0, False]
    assert len({task_key("c", value, [], "e") for value in values}) == len(values)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(_JSON)
def test_equal_parameters_have_equal_keys(value: Any) -> None:
    def turned(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: turned(value[key]) for key in reversed(value)}
        return tuple(map(turned, value)) if isinstance(value, list) else value

    assert task_key("c", value, [], "e") == task_key("c", turned(value), [], "e")


def test_parameters_without_canonical_form() -> None:
    with pytest.raises(InputError, match="no canonical form"):
        task_key("c", {"f": object()}, [], "e")


def test_environment_names_what_matters() -> None:
    found = versions(["sklearn", "yaml_that_is_not_there"])
    assert {"python", "numpy", "polars", "scikit-learn"} <= set(found)
    assert "yaml_that_is_not_there" not in found
    assert environment() == environment(["numpy"])
    assert environment() != environment(["hypothesis"])
