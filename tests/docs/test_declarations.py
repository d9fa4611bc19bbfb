"""The reference of declarations says what the code says: every declaration, field, argument, type and default."""

from __future__ import annotations

import inspect
import re
import types
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_overloads, get_type_hints

import msgspec
import polars as pl
import pytest

import argosy as ag
from argosy.spec.feature import FeatureView
from argosy.spec.metric import CLASSIFICATION, COST, METRICS, REGRESSION, SPREAD
from argosy.spec.step import Options
from tests.docs.page import DOCS

PAGE = DOCS / "declarations.md"
NAMES = [name for name in ag.__all__]
CLASSES = [name for name in NAMES if isinstance(getattr(ag, name), type)]
FUNCTIONS = [name for name in NAMES if name not in CLASSES]
NAMED = ["Format", "Model", "Pipeline", "Report", "Step", "Table"]
"""Classes that a user names, and does not make of fields."""
DECLARED = [name for name in CLASSES if name not in NAMED]
TAKING = ["feature_view", "notebook", "pipeline", "step"]
"""Functions that take so much that a table lists it."""
_WORDS: Mapping[object, str] = {
    str: "text", int: "whole number", float: "number", bool: "true or false", datetime: "time", Path: "path",
    Any: "anything",
}  # fmt: skip


def _words(kind: Any) -> str:
    """A type as the page says it."""
    if kind in _WORDS:
        return _WORDS[kind]
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return _words(inner[0])
    if origin is Literal:
        return " or ".join(f'`"{each}"`' for each in inner)
    if origin in (Union, types.UnionType):
        found = dict.fromkeys(_words(each) for each in inner if each is not type(None))
        return " or ".join(each for each in found if f"list of {each}" not in found)
    if origin is tuple:
        one = inner[0] if inner[-1] is ... else None
        return f"list of {_words(one)}" if one is not None else " and ".join(_words(each) for each in inner)
    if origin in (list, Sequence):
        return f"list of {_words(inner[0])}"
    if origin in (dict, Mapping):
        return f"{_words(inner[0])} to {_words(inner[1])}"
    return f"`{_shown(kind.__name__)}`"


def _shown(name: str) -> str:
    """The name that a user knows a class by."""
    return {
        "Spine": "column", "ViewReference": "feature view", "Expression": "expression", "Estimator": "estimator",
        "Drifted": "condition", "Degraded": "condition", "OlderThan": "condition", "NewRows": "condition",
        "Never": "condition", "AllOf": "condition", "AnyOf": "condition", "Not": "condition",
        "NewVersion": "trigger", "Event": "trigger", "After": "trigger",
    }.get(name, name)  # fmt: skip


def _default(value: object) -> str:
    """A default as the page says it; what has none is required."""
    if value is inspect.Parameter.empty:
        return "required"
    if isinstance(value, msgspec.Struct):
        given = ", ".join(map(repr, msgspec.structs.astuple(value))) if _required(type(value)) else ""
        return f"`{_call(type(value).__name__)}({given})`".replace("'", '"')
    if value is None or value in ((), {}, ""):
        return "nothing"
    shown = f"[{', '.join(map(repr, value))}]" if isinstance(value, tuple) else repr(value)
    return f"`{shown}`".replace("'", '"')


def _call(name: str) -> str:
    return {"OlderThan": "older_than"}.get(name, name)


def _required(kind: type[msgspec.Struct]) -> bool:
    return any(field.required for field in msgspec.structs.fields(kind))


def _expected(kind: type[msgspec.Struct]) -> list[tuple[str, str, str]]:
    return [(f"`{field.name}`", _words(field.type), _default(_given(field))) for field in msgspec.structs.fields(kind)]


def _given(field: msgspec.structs.FieldInfo) -> object:
    if field.required:
        return inspect.Parameter.empty
    return field.default if field.default is not msgspec.NODEFAULT else field.default_factory()


def _taken(name: str) -> list[tuple[str, str, str]]:
    """The arguments of a function; of a decorator with and without brackets, those in the brackets."""
    function = getattr(ag, name)
    called = [function, *get_overloads(function)][-1]
    types = get_type_hints(called, localns={"pl": pl})
    parameters = inspect.signature(called).parameters.values()
    return [(f"`{each.name}`", _words(types[each.name]), _default(each.default)) for each in parameters]


def _section(name: str) -> str:
    found = re.search(rf"^### `{name}`\n(.*?)(?=^##|\Z)", PAGE.read_text(), flags=re.DOTALL | re.MULTILINE)
    assert found, f"docs/declarations.md has no section '### `{name}`'"
    return found[1]


def _table(name: str) -> list[tuple[str, ...]]:
    rows = re.findall(r"^\| (.+) \|$", _section(name), flags=re.MULTILINE)
    return [tuple(cell.strip() for cell in row.split(" | ")) for row in rows[1:] if not row.startswith("---")]


@pytest.mark.parametrize("name", DECLARED)
def test_fields_are_those_of_the_code(name: str) -> None:
    assert [row[:3] for row in _table(name)] == _expected(getattr(ag, name))


@pytest.mark.parametrize("name", TAKING)
def test_arguments_are_those_of_the_code(name: str) -> None:
    assert [row[:3] for row in _table(name)] == _taken(name)


@pytest.mark.parametrize(
    ("name", "kind", "found"),
    [
        ("feature_view", FeatureView, {"function"}),
        ("pipeline", ag.Pipeline, {"function", "parameters"}),
        ("step", Options, set()),
    ],
)
def test_a_decorator_takes_all_that_it_does_not_find_itself(name: str, kind: type, found: set[str]) -> None:
    taken = {argument.strip("`") for argument, _, _ in _taken(name)}
    assert taken - {"zone"} == {field.name for field in msgspec.structs.fields(kind)} - found


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_has_a_section(name: str) -> None:
    assert f"ag.{name}(" in _section(name)


@pytest.mark.parametrize("name", NAMED)
def test_a_class_that_is_not_made_of_fields_has_a_section(name: str) -> None:
    assert f"ag.{name}" in _section(name)


@pytest.mark.parametrize("name", ["Format", "Report", "Step"])
def test_methods_are_those_of_the_code(name: str) -> None:
    members = inspect.getmembers(getattr(ag, name), lambda each: inspect.isfunction(each) or inspect.ismethod(each))
    methods = {method for method, _ in members if not method.startswith("_")}
    assert set(re.findall(r"`\.(\w+)\(", _section(name))) == methods != set()


@pytest.mark.parametrize("name", [*DECLARED, *TAKING])
def test_every_field_has_a_meaning(name: str) -> None:
    assert [row[0] for row in _table(name) if len(row) != 4 or len(row[3]) < 10] == []


def test_no_section_is_of_something_that_is_gone() -> None:
    assert sorted(re.findall(r"^### `(\w+)`$", PAGE.read_text(), flags=re.MULTILINE)) == sorted(NAMES)


def test_scores_are_those_of_the_code() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (\w[\w ]*) \| (greater|smaller) \|", PAGE.read_text(), flags=re.MULTILINE)
    tasks = dict.fromkeys(CLASSIFICATION, "binary") | dict.fromkeys(REGRESSION, "regression")
    tasks |= dict.fromkeys(SPREAD, "quantiles")
    expected = [
        (name, tasks.get(name, "cost"), "greater" if better else "smaller")
        for name, better in {**METRICS, **SPREAD, **COST}.items()
    ]
    assert rows == expected
