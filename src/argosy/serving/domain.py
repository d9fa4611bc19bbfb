"""What values a column may have: those of its contract, and categories that some version knows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from argosy.spec.contract import Column


class Domain(msgspec.Struct, frozen=True):
    """Bounds of a column as its contract states them (None binds nothing), and the categories that were `seen`."""

    nullable: bool = True
    minimum: float | None = None
    maximum: float | None = None
    allowed: frozenset[str | int | bool] | None = None
    pattern: str | None = None
    seen: frozenset[str] | None = None

    @classmethod
    def of(cls, column: Column | None, seen: frozenset[str] | None) -> Domain | None:
        """The domain of a column, None where it may hold anything."""
        if column is None:
            return None if seen is None else cls(seen=seen)
        allowed = None if column.allowed is None else frozenset(column.allowed)
        found = cls(column.nullable, column.minimum, column.maximum, allowed, column.pattern, seen)
        return None if found == cls() else found

    def faults(self, values: Sequence[Any]) -> dict[int, str]:
        """The rows whose values are outside, and why: null, minimum, maximum, allowed, pattern or unseen."""
        found = {}
        for row, value in enumerate(values):
            why = self._why(value)
            if why:
                found[row] = why
        if self.pattern is not None:
            found = self._unlike(values) | found
        return found

    def _why(self, value: Any) -> str:
        if value is None:
            return "" if self.nullable else "null"
        if self.minimum is not None and value < self.minimum:
            return "minimum"
        if self.maximum is not None and value > self.maximum:
            return "maximum"
        if self.allowed is not None and value not in self.allowed:
            return "allowed"
        return "unseen" if self.seen is not None and value not in self.seen else ""

    def _unlike(self, values: Sequence[Any]) -> dict[int, str]:
        """By the engine that checks contracts, whose time does not explode on any text."""
        import polars as pl  # the server starts without it

        like = pl.Series(values, dtype=pl.String).str.contains(self.pattern or "")
        return dict.fromkeys((~like).arg_true().to_list(), "pattern")
