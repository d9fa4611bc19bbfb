"""Checks: rules on single rows, as expressions that are true where a row breaks them."""

from __future__ import annotations

import msgspec
import polars as pl


class Check(msgspec.Struct, frozen=True):
    """A rule on single rows: `bad` is true where a row breaks it, `broken` says in words that it is broken."""

    rule: str
    on_failure: str
    bad: pl.Expr
    broken: str
    columns: tuple[str, ...] = ()

    @property
    def column(self) -> str | None:
        """The first column that the rule is about; None for a rule of the user's own."""
        return self.columns[0] if self.columns else None
