"""Masks: what is shown in place of values of columns that are tagged, of facts that hold values of a dataset."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

Tags = Mapping[str, str]
"""The tag of each column that has one."""

_COUNTS = ("type", "count", "nulls", "distinct", "infinite", "finite")


def value(given: Any, tag: str | None) -> Any:
    """A value, or the tag of its column in its place; nothing is no secret."""
    return given if tag is None or given is None else f"({tag})"


def text(given: Any, tag: str | None) -> str:
    """A value as it stands in a message, cut where it is long."""
    return f"{given!r:.60}" if tag is None else f"a value ({tag})"


def rows(examples: Iterable[Any], tags: Tags) -> list[Any]:
    """Rows by column, without values of columns that are tagged."""
    return [
        {name: value(held, tags.get(name)) for name, held in each.items()} if isinstance(each, dict) else each
        for each in examples
    ]


def finding(item: dict[str, Any], tags: Tags) -> dict[str, Any]:
    """A finding whose examples show no value that is tagged."""
    return item | {"examples": rows(item["examples"], tags)}


def statistic(item: dict[str, Any], tags: Tags) -> dict[str, Any]:
    """Statistics of which a column that is tagged shows how many values there are, not which."""
    body = {name: _counted(held) if name in tags else held for name, held in item["body"].items()}
    return item | {"body": body}


def contract(item: dict[str, Any], tags: Tags) -> dict[str, Any]:
    """A contract whose suggestions, drawn from the first rows, show no value that is tagged."""
    if not item["body"].get("suggested"):
        return item
    suggested = {
        name: {"nullable": held["nullable"]} if name in tags else held
        for name, held in item["body"]["suggested"].items()
    }
    return item | {"body": item["body"] | {"suggested": suggested}}


def artifact(item: dict[str, Any], tags: Tags) -> dict[str, Any]:
    """An artifact whose preview shows no value that is tagged."""
    if not tags:
        return item
    by = [tags.get(name) for name in item["body"]["columns"]]
    head = [[value(cell, tag) for cell, tag in zip(row, by, strict=False)] for row in item["body"]["head"]]
    return item | {"body": item["body"] | {"head": head}}


def _counted(held: dict[str, Any]) -> dict[str, Any]:
    found = {name: held[name] for name in _COUNTS if name in held}
    return found | ({"total": _counted(held["total"])} if "total" in held else {})
