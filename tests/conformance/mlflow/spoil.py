"""Requests that are spoilt in every field, one at a time: absent, null, empty, of a wrong type, out of bounds."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tests.conformance.mlflow.step import Step, Tale

ABSENT = object()
Ways = Mapping[str, Any]
_ANY: Ways = {"absent": ABSENT, "null": None}
TEXT: Ways = {**_ANY, "empty": "", "a number": 31, "a list": ["x"], "an object": {"a": "x"}, "true": True}
ID: Ways = {**TEXT, "unknown": "f" * 32, "odd": "../x y", "blank": " "}
WHOLE: Ways = {
    **_ANY, "a word": "x", "digits": "12", "a fraction": 1.5, "true": True, "a list": [1], "negative": -1, "zero": 0,
    "too large": 2**63, "empty": "",
}  # fmt: skip
REAL: Ways = {
    **_ANY, "a word": "x", "digits": "1.5", "NaN": "NaN", "Infinity": "Infinity", "-Infinity": "-Infinity",
    "true": True, "a list": [1], "whole": 3, "empty": "",
}  # fmt: skip
LIST: Ways = {**_ANY, "empty": [], "a word": "x", "an object": {}, "of null": [None], "of a number": [1], "of []": [[]]}
NAMED: Ways = {
    **_ANY,
    "empty": "",
    "nonsense": "NONSENSE",
    "an unknown number": 99,
    "a list": ["x"],
    "small": "finished",
}
FLAG: Ways = {**_ANY, "a word": "x", "a number": 1, "true": True, "false": False, "a text": "true"}


def long(most: int, letter: str = "x") -> Ways:
    """A text as long as may be, and one that is longer."""
    return {f"of {most} characters": letter * most, f"of {most + 1} characters": letter * (most + 1)}


def spoilt(method: str, path: str, good: Mapping[str, Any], fields: Mapping[str, Ways]) -> Tale:
    """The good request and then, for each of its fields (`tags.0.key` for one within), each way to spoil it.

    `<n>` in a text is another number in each, so that what one makes is not in the way of the next.
    """
    numbers = itertools.count(1)
    steps = [Step(f"{method} {path}", method, path, _numbered(good, next(numbers)))]
    for place, ways in fields.items():
        for way, value in ways.items():
            given = _set(copy.deepcopy(dict(good)), place.split("."), value)
            for asked in _queried(given) if method == "GET" else (given,):
                name = f"{method} {path}: {place} {way}"
                steps.append(Step(name, method, path, _numbered(asked, next(numbers))))
    return steps


def each(method: str, path: str, good: Mapping[str, Any], field: str, values: Sequence[Any]) -> Tale:
    """The good request with each of the values in a field."""
    return [Step(f"{method} {path}: {field} {value!r:.60}", method, path, {**good, field: value}) for value in values]


def _set(given: Any, places: list[str], value: Any) -> Any:
    inner = given
    for place in places[:-1]:
        inner = inner[int(place) if place.isdigit() else place]
    last: Any = int(places[-1]) if places[-1].isdigit() else places[-1]
    if value is ABSENT:
        inner.pop(last, None)
    else:
        inner[last] = value
    return given


def _queried(given: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """A query holds texts alone, or several of one name."""
    if all(isinstance(each, str | int | list) and not isinstance(each, bool) for each in given.values()):
        yield dict(given)


def _numbered(given: Any, number: int) -> Any:
    if isinstance(given, str):
        return given.replace("<n>", str(number))
    if isinstance(given, Mapping):
        return {name: _numbered(value, number) for name, value in given.items()}
    return [_numbered(value, number) for value in given] if isinstance(given, list) else given
