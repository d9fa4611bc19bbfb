"""The contract of a dataset: what every new version must hold before anything uses it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Literal

from argosy.spec import check, duration
from argosy.spec.declared import Declared
from argosy.spec.duration import Duration
from argosy.spec.expression import Expression
from argosy.spec.frozen import EMPTY
from argosy.spec.limit import FILLED, ColumnName, ColumnNames, Name, between
from argosy.spec.quantity import plural

if TYPE_CHECKING:
    import polars as pl

    from argosy.spec.dataset import Dataset

OnFailure = Literal["block", "quarantine", "warn"]
_Rows = Annotated[int, between(0, 10**15)]


class Column(Declared, frozen=True):
    """What one column must hold. A missing bound does not bind; nulls pass unless `nullable` is false.

    `type` is a Polars type name (`Float64`, `String`, `Datetime`), `allowed` the values that may occur, `pattern` a
    regular expression that is found in each text, `presence` the least share of values that are not null.
    `on_failure`: `block` rejects the version, `quarantine` sets the failing rows aside, `warn` records only.
    """

    type: str | None = None
    nullable: bool = True
    minimum: float | None = None
    maximum: float | None = None
    allowed: tuple[str | int | bool, ...] | None = None
    pattern: str | None = None
    presence: Annotated[float, between(0, 1)] = 0.0
    on_failure: OnFailure = "block"

    def __post_init__(self) -> None:
        super().__post_init__()
        check.ordered("Column", self.minimum, self.maximum)
        if self.type is not None:
            check.kind("Column.type", self.type)
        if self.allowed is not None:
            check.put(self, "allowed", tuple(sorted(set(self.allowed), key=lambda v: (type(v).__name__, v))))


class Rule(Declared, frozen=True):
    """A condition of the user's own on every row: a Polars expression that is true where the row is good."""

    name: Name
    expression: Expression
    on_failure: OnFailure = "block"

    if TYPE_CHECKING:

        def __init__(self, name: str, expression: Expression | pl.Expr, on_failure: OnFailure = "block") -> None:
            """`expression` is a Polars expression, true where a row is good."""

    def __post_init__(self) -> None:
        check.name("Rule.name", self.name)
        check.put(self, "expression", Expression.of(self.expression, f"Rule({self.name!r}).expression"))
        super().__post_init__()


class Reference(Declared, frozen=True):
    """What a row's `columns` hold occurs in another dataset: there as `to`, in the same order (default: same names).

    A row passes where one of its columns is null. The other dataset counts with every row of its latest version at
    the time of the ingest, and which version that was is recorded; rows are not looked at again when it grows.
    """

    columns: Annotated[ColumnNames, FILLED]
    dataset: Name
    to: ColumnNames = ()
    on_failure: OnFailure = "block"

    if TYPE_CHECKING:

        def __init__(
            self,
            columns: Sequence[str] | str,
            dataset: Dataset | str,
            to: Sequence[str] | str = (),
            on_failure: OnFailure = "block",
        ) -> None:
            """What a user may write; the fields hold its canonical form."""

    def __post_init__(self) -> None:
        given: object = self.dataset
        check.put(self, "dataset", given if isinstance(given, str) else getattr(given, "name", given))
        check.name("Reference.dataset", self.dataset)
        check.put(self, "columns", check.columns("Reference.columns", self.columns))
        check.put(self, "to", check.columns("Reference.to", self.to))
        if not self.columns:
            raise check.fail("Reference.columns", (), "at least one column", "name the column that refers")
        if self.to and len(self.to) != len(self.columns):
            wanted = f"{plural(len(self.columns), 'column')}, one for each of {self.columns}"
            next = "name one for one, or leave it out where the names are the same"
            raise check.fail("Reference.to", self.to, wanted, next)
        if self.to == self.columns:
            check.put(self, "to", ())
        super().__post_init__()

    @property
    def targets(self) -> tuple[str, ...]:
        """The columns of the other dataset, one for each of `columns`."""
        return self.to or self.columns

    def __str__(self) -> str:
        return f"{', '.join(self.columns)} in {', '.join(f'{self.dataset}.{name}' for name in self.targets)}"


class Contract(Declared, frozen=True):
    """The versioned schema of a dataset.

    `unique`: columns whose values together occur once. `rows`: least and largest number of rows that one ingest may
    add. `freshness`: how old the newest event may be. `evolution`: what happens to columns the contract does not
    know (`record` admits new columns and widened types and says so; `block` rejects them). `references`: columns
    whose values occur in another dataset. Columns that the contract does not name keep what was inferred from the
    first version (type, and nothing else).
    """

    columns: Mapping[ColumnName, Column] = EMPTY
    unique: ColumnNames = ()
    rows: tuple[_Rows, _Rows] | None = None
    freshness: Duration | None = None
    rules: tuple[Rule, ...] = ()
    evolution: Literal["record", "block"] = "record"
    references: tuple[Reference, ...] = ()

    if TYPE_CHECKING:

        def __init__(
            self,
            columns: Mapping[str, Column] = ...,
            unique: Sequence[str] = (),
            rows: Sequence[int] | None = None,
            freshness: str | None = None,
            rules: Sequence[Rule] = (),
            evolution: Literal["record", "block"] = "record",
            references: Sequence[Reference] = (),
        ) -> None:
            """What a user may write; the fields hold its canonical form."""

    def __post_init__(self) -> None:
        if self.freshness is not None:
            check.put(self, "freshness", duration.canonical(self.freshness, "Contract.freshness"))
        check.put(self, "unique", check.columns("Contract.unique", self.unique))
        super().__post_init__()
        for name in self.columns:
            check.column("Contract.columns", name)
        check.distinct("Contract.rules", (rule.name for rule in self.rules))
        check.distinct("Contract.references", map(str, self.references))
        if self.rows is not None:
            check.ordered("Contract.rows", *self.rows)
