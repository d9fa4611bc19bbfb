"""Sizes as users write them: a number and a unit, `500MB`, `2GiB`."""

from __future__ import annotations

import re
from typing import Annotated

from msgspec import Meta

from argosy.spec import check

_UNITS = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12,
          "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}  # fmt: skip
_PATTERN = re.compile(rf"([0-9]{{1,6}}(?:\.[0-9]{{1,3}})?)\s*({'|'.join(sorted(_UNITS, reverse=True))})")

Size = Annotated[str, Meta(extra_json_schema={"pattern": rf"^\s*{_PATTERN.pattern}\s*$"})]
"""A text that `parse` reads."""


def parse(text: object, field: str = "size") -> int:
    """`"2GiB"` in bytes, at least one. Raises DeclarationError for anything but a positive number and a unit."""
    match = _PATTERN.fullmatch(text.strip()) if isinstance(text, str) else None
    found = int(float(match[1]) * _UNITS[match[2]]) if match else 0
    if found < 1:
        raise check.fail(field, text, "a size such as '500MB' or '2GiB'", "write '500MB' or '2GiB'")
    return found


def show(count: float) -> str:
    """Bytes for people: `1.5 GiB`."""
    for unit in ("TiB", "GiB", "MiB", "KiB"):
        if count >= _UNITS[unit]:
            return f"{count / _UNITS[unit]:.3g} {unit}"
    return f"{count:.0f} B"
