"""Answers without what must differ between two servers: names that each gives, times, tokens, its own words."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from typing import Any

from tests.conformance.mlflow.play import Answer

_CLOCKS = frozenset({
    "creation_time", "last_update_time", "creation_timestamp", "last_updated_timestamp", "creation_timestamp_ms",
    "last_updated_timestamp_ms", "next_page_token",
})  # fmt: skip
_UNORDERED = frozenset({"tags", "params", "metrics", "aliases", "dataset_inputs", "latest_versions", "model_inputs"})
"""Lists whose order is that of nothing, in an answer that is not a list of metrics itself."""
_MORE = frozenset({"sqlstate", "error_class", "workspace"})
"""What only the stock server tells, and clients do without. Who made a version is told by ours alone; and to clients
what is empty is as what is absent.
"""
_PLACE = re.compile(r"mlflow-artifacts:/(\d+)(?=/|$)")
_GIVEN = re.compile(r"\b(m-)?[0-9a-f]{32}\b")
_LARGEST = sys.float_info.max
"""What the stock server makes of an infinity."""
_LONG = 8
SPOKEN = [
    re.compile(pattern)
    for pattern in (
        r"Missing value for required parameter '[^']*'", r"Invalid value (?=(?s:.*?) for parameter '[^']*' supplied)",
        r"already exists", r"maximum length", r"is reserved", r"not found", r"Invalid parameter", r"valid integer",
        r"Invalid Model Version stage", r"can contain at most \d+ \w+", r"Duplicate parameter keys",
        r"Malformed model info", r"missing mandatory fields",
    )
]  # fmt: skip
"""What clients look for in a message."""


def plain(answer: Answer, kept: Mapping[str, str]) -> tuple[Any, ...]:
    """(status, JSON) in the tale's own names; of a refusal, its code and the words that clients look for."""
    told, names = answer.told, {value: f"<{name}>" for name, value in kept.items()}
    if isinstance(told, dict) and "error_code" in told and answer.status >= 400:
        said = _renamed(str(told.get("message")), names)
        return answer.status, told["error_code"], [word for pattern in SPOKEN for word in pattern.findall(said)]
    return answer.status, _plain(told, names, isinstance(told, dict) and "metrics" in told)


def same(theirs: tuple[Any, ...], ours: tuple[Any, ...]) -> bool:
    """Whether two plain answers are one to a client: ours may say more than the stock server's."""
    if len(theirs) == len(ours) == 3:
        return theirs[:2] == ours[:2] and set(theirs[2]) <= set(ours[2])
    return theirs == ours


def told(answer: tuple[Any, ...]) -> str:
    """The status and the code of a plain answer."""
    return f"{answer[0]} {answer[1]}" if len(answer) == 3 else str(answer[0])


def _plain(told: Any, names: Mapping[str, str], top: bool = False) -> Any:
    if isinstance(told, dict):
        made = {}
        for name, value in told.items():
            if name in _MORE or value == "" or (name == "user_id" and "current_stage" in told):
                continue
            inner = "a time" if name in _CLOCKS else _plain(value, names)
            if name == "experiment_id" and str(inner).isdigit() and inner != "0":
                inner = "an id"
            made[name] = sorted(inner, key=json.dumps) if name in _UNORDERED and not top else inner
        return made
    if isinstance(told, list):
        return [_plain(each, names) for each in told]
    if told in (_LARGEST, -_LARGEST):
        return "Infinity" if told > 0 else "-Infinity"
    return _text(told, names) if isinstance(told, str) else told


def _text(text: str, names: Mapping[str, str]) -> str:
    if text in names:
        return names[text]
    placed = _PLACE.sub(lambda found: f"mlflow-artifacts:/{names.get(found[1], 'an id')}", text)
    return _GIVEN.sub("an id", _renamed(placed, names))


def _renamed(text: str, names: Mapping[str, str]) -> str:
    for value, name in names.items():
        if len(value) >= _LONG:
            text = text.replace(value, name)
    return text
