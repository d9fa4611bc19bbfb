"""The reference of declarations says what the code says: every declaration, field, type, default and choice."""

from __future__ import annotations

import inspect
import re
import types
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec
import pytest

import argosy as ag
from argosy.spec.feature import FeatureView
from argosy.spec.metric import CLASSIFICATION, COST, METRICS, REGRESSION
from tests.docs.page import DOCS

PAGE = DOCS / "declarations.md"
NAMES = [name for name in ag.__all__]
_WORDS: Mapping[object, str] = {str: "text", int: "whole number", float: "number", bool: "true or false"}


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
        return " or ".join(dict.fromkeys(_words(each) for each in inner if each is not type(None)))
    if origin is tuple:
        one = inner[0] if inner[-1] is ... else None
        return f"list of {_words(one)}" if one is not None else " and ".join(_words(each) for each in inner)
    if origin is Mapping:
        return f"{_words(inner[0])} to {_words(inner[1])}"
    return f"`{_shown(kind.__name__)}`"


def _shown(name: str) -> str:
    """The name that a user knows a class by."""
    return {
        "Spine": "column", "ViewReference": "feature view", "Expression": "expression", "Estimator": "estimator",
        "Drifted": "condition", "Degraded": "condition", "OlderThan": "condition", "NewRows": "condition",
        "Never": "condition", "AllOf": "condition", "AnyOf": "condition", "Not": "condition",
    }.get(name, name)  # fmt: skip


def _default(field: msgspec.structs.FieldInfo) -> str:
    if field.required:
        return "required"
    value = field.default if field.default is not msgspec.NODEFAULT else field.default_factory()
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
    return [(f"`{field.name}`", _words(field.type), _default(field)) for field in msgspec.structs.fields(kind)]


def _section(name: str) -> str:
    found = re.search(rf"^### `{name}`\n(.*?)(?=^##|\Z)", PAGE.read_text(), flags=re.DOTALL | re.MULTILINE)
    assert found, f"docs/declarations.md has no section '### `{name}`'"
    return found[1]


def _table(name: str) -> list[tuple[str, ...]]:
    rows = re.findall(r"^\| (.+) \|$", _section(name), flags=re.MULTILINE)
    return [tuple(cell.strip() for cell in row.split(" | ")) for row in rows[1:] if not row.startswith("---")]


DECLARED = [name for name in NAMES if isinstance(getattr(ag, name), type)]
CALLED = [name for name in NAMES if name not in DECLARED]


@pytest.mark.parametrize("name", DECLARED)
def test_fields_are_those_of_the_code(name: str) -> None:
    assert [row[:3] for row in _table(name)] == _expected(getattr(ag, name))


def test_a_feature_view_is_described_by_what_its_decorator_takes() -> None:
    taken = set(inspect.signature(ag.feature_view).parameters)
    fields = {field.name for field in msgspec.structs.fields(FeatureView)}
    assert {row[0].strip("`") for row in _table("feature_view")} == taken
    assert taken <= fields | {"name"}


@pytest.mark.parametrize("name", CALLED)
def test_every_function_has_a_section(name: str) -> None:
    assert f"ag.{name}(" in _section(name)


@pytest.mark.parametrize("name", DECLARED)
def test_every_field_has_a_meaning(name: str) -> None:
    assert [row[0] for row in _table(name) if len(row) != 4 or len(row[3]) < 10] == []


def test_no_section_is_of_something_that_is_gone() -> None:
    assert sorted(re.findall(r"^### `(\w+)`$", PAGE.read_text(), flags=re.MULTILINE)) == sorted(NAMES)


def test_scores_are_those_of_the_code() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (\w[\w ]*) \| (greater|smaller) \|", PAGE.read_text(), flags=re.MULTILINE)
    tasks = {**dict.fromkeys(CLASSIFICATION, "binary"), **dict.fromkeys(REGRESSION, "regression")}
    expected = [
        (name, tasks.get(name, "cost"), "greater" if better else "smaller")
        for name, better in {**METRICS, **COST}.items()
    ]
    assert rows == expected
