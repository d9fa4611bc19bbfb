"""Quantities as people read them: a number, its thousands apart, with the form of the noun that it takes."""

from __future__ import annotations


def plural(amount: int, noun: str, many: str | None = None) -> str:
    """`1 member`, `35 members`; `many` is the plural of a noun that does not take an s, as of `canary`."""
    return f"{amount:,} {noun if amount == 1 else many or noun + 's'}"
