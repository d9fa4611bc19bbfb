"""Sections of what a command tells: a title and what belongs to it, of which the first ones are shown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from argosy.cli.course import cut

_WIDEST = 60


def lines(title: str, found: Sequence[str], most: int) -> Iterator[str]:
    """Lines below a title; nothing where there are none."""
    if found:
        yield from ("", title)
        yield from (f"  {line}" for line in found[:most])
    if len(found) > most:
        yield f"  … {len(found) - most:,} more (--json has them)"


def pairs(title: str, found: Sequence[tuple[str, str]], most: int) -> Iterator[str]:
    """The same of names and what is said of each."""
    width = min(_WIDEST, max((len(name) for name, _ in found[:most]), default=0))
    shown = [f"{cut(name, _WIDEST):<{width}}  {text}" for name, text in found[:most]]
    yield from lines(title, [*shown, *([""] * (len(found) - len(shown)))], most)
