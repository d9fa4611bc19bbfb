"""Proposals: what the first rows of a dataset would allow, as Python for whoever declares its contract."""

from __future__ import annotations

import json
import math
from typing import Any

from argosy.data import dtype
from argosy.data.terms import Terms

_DIGITS = 3
"""Of the width of a range, so many digits of its bounds are kept."""


def proposal(terms: Terms) -> str:
    """An `ag.Contract` of the columns that the declared one does not name; empty where it names all of them.

    Its rules only warn, until whoever takes them over says otherwise.
    """
    found = [
        f"        {_text(name)}: ag.Column({', '.join(_fields(terms.types[name], suggested))}),"
        for name, suggested in terms.suggested.items()
        if name in terms.types and name not in terms.contract.columns and name not in terms.dropped
    ]
    return "\n".join(["ag.Contract(", "    columns={", *found, "    }", ")"]) if found else ""


def _fields(kind: str, suggested: dict[str, Any]) -> list[str]:
    given = [f"type={_text('Datetime' if dtype.parse(kind) == dtype.INSTANT else kind)}"]
    given += [] if suggested["nullable"] else ["nullable=False"]
    if "minimum" in suggested:
        low, high = _range(suggested["minimum"], suggested["maximum"])
        given += [f"minimum={low}", f"maximum={high}"]
    if "allowed" in suggested:
        given.append(f"allowed={_text(suggested['allowed'])}")
    return [*given, 'on_failure="warn"']


def _range(low: float, high: float) -> tuple[float, float]:
    """The bounds in few digits, no closer to one another than before."""
    places = _DIGITS - math.floor(math.log10(high - low)) if high > low else 0
    half = 0.5 * 10.0**-places
    least = int(low) if low.is_integer() else round(low - half, places)
    return least, int(high) if high.is_integer() else round(high + half, places)


def _text(value: Any) -> str:
    """A text, or a list of some, as a literal of Python."""
    return json.dumps(value, ensure_ascii=False)
