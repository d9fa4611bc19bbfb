"""Names of registered models and of their aliases: what is taken, what is refused, and why."""

from __future__ import annotations

import pytest

from argosy.protocols.mlflow import registry
from argosy.protocols.mlflow.fault import Fault
from tests.protocols.mlflow.conftest import Asker


@pytest.mark.parametrize("name", ["a", "late arrival", "ü@1", "a..b", "x" * 256, "100%", "..."])
def test_a_name_that_is_one(name: str) -> None:
    assert registry.named(name) == name


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("", "Missing value for required parameter 'name'"), (" \t", "Missing value for required parameter 'name'"),
        ("a/b", "Names cannot contain '/' or ':'"), ("a:b", "Names cannot contain '/' or ':'"),
        (".", "As a path it would mean"), ("..", "As a path it would mean"), ("a\0b", "zero byte"),
        ("x" * 257, "maximum length of 256"),
    ],
)  # fmt: skip
def test_a_name_that_is_none(ask: Asker, name: str, says: str) -> None:
    with pytest.raises(Fault, match=says):
        registry.named(name)
    said = ask.refused("POST", "registered-models/create", {"name": name})
    assert said.startswith("INVALID_PARAMETER_VALUE") and says in said


@pytest.mark.parametrize("alias", ["champion", "a_b-C", "ü", "v", "v1x", "latest1", "x" * 255])
def test_an_alias_that_is_one(alias: str) -> None:
    assert registry.called(alias, new=True) == alias


@pytest.mark.parametrize(
    ("alias", "says"),
    [
        ("", "cannot be empty"), ("a b", "Invalid alias name"), ("a/b", "Invalid alias name"),
        ("a\n", "Invalid alias name"), ("x" * 256, "maximum length"),
    ],
)  # fmt: skip
def test_an_alias_that_is_none(alias: str, says: str) -> None:
    for new in (False, True):
        with pytest.raises(Fault, match=says):
            registry.called(alias, new=new)


@pytest.mark.parametrize("alias", ["latest", "LATEST", "v1", "V007"])
def test_an_alias_that_means_a_version_by_itself_is_not_given(alias: str) -> None:
    assert registry.called(alias) == alias
    with pytest.raises(Fault, match="is reserved"):
        registry.called(alias, new=True)
