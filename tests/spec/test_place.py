"""Places: the line of a project's code that an error comes from."""

from __future__ import annotations

import json

import pytest

from argosy.spec import place


def _fail() -> None:
    json.loads("{")


def test_the_last_line_of_own_code_is_named() -> None:
    with pytest.raises(ValueError, match="Expecting") as caught:
        _fail()
    line = _fail.__code__.co_firstlineno + 1
    assert place.of(caught.value) == f"test_place.py line {line}, in _fail"
    assert place.told(caught.value).startswith(f"test_place.py line {line}, in _fail: JSONDecodeError: Expecting")


def test_an_error_from_nowhere_has_no_place() -> None:
    assert place.of(ValueError("x")) == "" and place.told(ValueError()) == "ValueError"


def test_libraries_and_argosy_are_nobodys_own_code() -> None:
    assert place.own(__file__)
    assert not any(map(place.own, (None, "", "<string>", place.__file__, json.__file__, pytest.__file__)))
