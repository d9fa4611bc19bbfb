"""Durations as users write them: a number and a unit, `90s`, `15m`, `6h`, `14d`, `2w`."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated

from msgspec import Meta

from argosy.spec import check

_UNITS = {"w": 604_800_000, "d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1_000, "ms": 1}
_PATTERN = re.compile(r"([0-9]{1,15})\s*(ms|s|m|h|d|w)")
_LIMIT = 100 * 366 * 86_400_000

Duration = Annotated[str, Meta(extra_json_schema={"pattern": rf"^\s*{_PATTERN.pattern}\s*$"})]
"""A text that `parse` reads."""


def parse(text: object, field: str = "duration") -> timedelta:
    """`"6h"` as a timedelta. Raises DeclarationError for anything but a positive number and a unit."""
    match = _PATTERN.fullmatch(text.strip()) if isinstance(text, str) else None
    amount = int(match[1]) * _UNITS[match[2]] if match else 0
    if not 0 < amount <= _LIMIT:
        raise check.fail(field, text, "a duration such as '90s', '15m', '6h', '14d' or '2w'", "write '6h' or '14d'")
    return timedelta(milliseconds=amount)


def canonical(text: str, field: str = "duration") -> str:
    """The one spelling of a duration, in the largest unit that divides it: `"24h"` becomes `"1d"`."""
    amount = parse(text, field) // timedelta(milliseconds=1)
    unit = next(u for u, size in _UNITS.items() if amount % size == 0 and (u != "w"))
    return f"{amount // _UNITS[unit]}{unit}"


def show(span: timedelta) -> str:
    """A time span for people, in its two largest units: `3d 4h`."""
    left = max(int(span.total_seconds()), 0)
    parts = []
    for unit in ("d", "h", "m", "s"):
        count, left = divmod(left, _UNITS[unit] // 1000)
        if count:
            parts.append(f"{count}{unit}")
    return " ".join(parts[:2]) or "0s"


def took(seconds: float) -> str:
    """How long something took, as people say it: `0.2 s`, `3 min 20 s`, `5 h 12 min`."""
    if seconds < 60:
        return f"{seconds:.3g} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
