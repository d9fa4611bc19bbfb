"""Lines of Python as a formatter leaves them: on one line where they fit, else one item a line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

WIDTH: Final = 88
"""The narrowest of the usual widths: what fits it, and what is broken because it does not, stays so in wider ones."""


def listed(before: str, items: Sequence[str], after: str, indent: str = "") -> list[str]:
    """`before`, items with commas between them, `after`; the two hold the brackets."""
    line = f"{indent}{before}{', '.join(items)}{after}"
    if len(line) <= WIDTH or not items:
        return [line]
    return [f"{indent}{before}", *(f"{indent}    {item}," for item in items), f"{indent}{after}"]


def docstring(indent: str, *paragraphs: str) -> list[str]:
    """Paragraphs of one line each as a docstring; the last character of each is one that ends a sentence."""
    ended = [text if text.endswith((".", "!", "?", "…", ":")) else f"{text}." for text in map(_escaped, paragraphs)]
    first, *more = ended
    if not more:
        return [f'{indent}"""{first}"""']
    return [f'{indent}"""{first}', *(line for text in more for line in ("", f"{indent}{text}")), f'{indent}"""']


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"""', '\\"\\"\\"').strip()
