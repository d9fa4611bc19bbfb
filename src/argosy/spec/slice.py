"""Slices: parts of the held-out rows that are scored by themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from argosy.spec import check
from argosy.spec.declared import Declared
from argosy.spec.expression import Expression
from argosy.spec.limit import ColumnName

if TYPE_CHECKING:
    import polars as pl


class Slice(Declared, frozen=True):
    """The held-out rows by the values of an expression over the spine's columns and the features; each value is scored.

    `Slice("long haul", pl.col("distance") > 1500)` scores long flights apart from the others; the name of a column
    alone stands for its values. Values are compared as text, and made of each row alone.
    """

    name: ColumnName
    values: Expression

    if TYPE_CHECKING:

        def __init__(self, name: str, values: pl.Expr | Expression | str) -> None:
            """What a user may write; a text is the name of a column."""

    def __post_init__(self) -> None:
        check.column("Slice.name", self.name)
        if not isinstance(self.values, Expression):
            check.put(self, "values", Expression.by_row(self.values, f"Slice({self.name!r}).values"))
        super().__post_init__()


def slice_of(value: object) -> Slice:
    """One entry of a fleet's slices: a slice, or the name of a column."""
    if isinstance(value, str):
        return Slice(value, value)
    check.instance("Fleet.slices", value, Slice, "a column name or ag.Slice(name, expression)")
    assert isinstance(value, Slice)
    return value
