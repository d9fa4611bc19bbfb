"""The contract of a dataset: what every new version must hold before anything uses it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal

import msgspec

from argosy.spec import check, duration
from argosy.spec.expression import Expression

if TYPE_CHECKING:
    import polars as pl

FAILURES = ("block", "quarantine", "warn")
OnFailure = Literal["block", "quarantine", "warn"]


class Column(msgspec.Struct, frozen=True):
    """What one column must hold. A missing bound does not bind; nulls pass unless `nullable` is false.

    `type` is a Polars type name (`Float64`, `String`, `Datetime`); `presence` the least share of values that are
    not null; `unseen` the largest share of values outside `allowed` before the version itself fails.
    `on_failure`: `block` rejects the version, `quarantine` sets the failing rows aside, `warn` records only.
    """

    type: str | None = None
    nullable: bool = True
    minimum: float | None = None
    maximum: float | None = None
    allowed: tuple[str | int | bool, ...] | None = None
    pattern: str | None = None
    presence: float = 0.0
    on_failure: OnFailure = "block"

    def __post_init__(self) -> None:
        check.ordered("Column", self.minimum, self.maximum)
        check.between("Column.presence", self.presence, 0, 1)
        check.member("Column.on_failure", self.on_failure, FAILURES)
        if self.allowed is not None:
            check.put(self, "allowed", tuple(sorted(set(self.allowed), key=lambda v: (type(v).__name__, v))))


class Rule(msgspec.Struct, frozen=True):
    """A condition of the user's own on every row: a Polars expression that is true where the row is good."""

    name: str
    expression: Expression
    on_failure: OnFailure = "block"

    if TYPE_CHECKING:

        def __init__(self, name: str, expression: Expression | pl.Expr, on_failure: OnFailure = "block") -> None:
            """`expression` is a Polars expression, true where a row is good."""

    def __post_init__(self) -> None:
        check.name("Rule.name", self.name)
        check.put(self, "expression", Expression.of(self.expression, f"Rule({self.name}).expression"))
        check.member("Rule.on_failure", self.on_failure, FAILURES)


class Contract(msgspec.Struct, frozen=True):
    """The versioned schema of a dataset.

    `unique`: columns whose values together occur once. `rows`: least and largest number of rows that one ingest may
    add. `freshness`: how old the newest event may be. `evolution`: what happens to columns the contract does not
    know (`record` admits new columns and widened types and says so; `block` rejects them). Columns that the contract
    does not name keep what was inferred from the first version (type, and nothing else).
    """

    columns: dict[str, Column] = {}
    unique: tuple[str, ...] = ()
    rows: tuple[int, int] | None = None
    freshness: str | None = None
    rules: tuple[Rule, ...] = ()
    evolution: Literal["record", "block"] = "record"

    if TYPE_CHECKING:

        def __init__(
            self,
            columns: Mapping[str, Column] = ...,
            unique: Sequence[str] = (),
            rows: Sequence[int] | None = None,
            freshness: str | None = None,
            rules: Sequence[Rule] = (),
            evolution: Literal["record", "block"] = "record",
        ) -> None:
            """What a user may write; the fields hold its canonical form."""

    def __post_init__(self) -> None:
        for name in self.columns:
            check.column("Contract.columns", name)
        check.put(self, "unique", check.sequence("Contract.unique", self.unique))
        check.put(self, "rules", check.sequence("Contract.rules", self.rules))
        check.distinct("Contract.rules", (rule.name for rule in self.rules))
        if self.rows is not None:
            check.put(self, "rows", check.sequence("Contract.rows", self.rows))
            check.ordered("Contract.rows", *self.rows)
        if self.freshness is not None:
            check.put(self, "freshness", duration.canonical(self.freshness, "Contract.freshness"))
        check.member("Contract.evolution", self.evolution, ("record", "block"))
