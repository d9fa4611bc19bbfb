"""Values of JSON as runs have them: by dotted key, a text each, or a number each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from argosy.store.codec import to_json

KEY, TEXT = 250, 6000
"""Characters that a key and a text may have: what is longer is cut."""


def texts(values: Mapping[str, Any]) -> dict[str, str]:
    """Each value as a text, as Python writes it, without zero bytes; lists, and whatever holds nothing, as JSON."""
    return {key[:KEY]: _text(value).replace("\0", "")[:TEXT] for key, value in _leaves(values, "")}


def numbers(values: Mapping[str, Any]) -> dict[str, float]:
    """The numbers among the values."""
    return {
        key[:KEY]: float(value)
        for key, value in _leaves(values, "")
        if isinstance(value, (int, float)) and not isinstance(value, bool)
    }


def _leaves(values: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, dict) and value:
            yield from _leaves(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}".replace("\0", ""), value


def _text(value: Any) -> str:
    return to_json(value) or "" if isinstance(value, (list, dict)) else str(value)
