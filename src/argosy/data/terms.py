"""Terms: the contract of a dataset as it is in force, declared where the user said so and inferred where not."""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Any

import msgspec
import polars as pl

from argosy.data import dtype
from argosy.data.part import Layout
from argosy.spec.contract import Column, Contract, Reference, Rule
from argosy.spec.dataset import Dataset


class Terms(msgspec.Struct, frozen=True, omit_defaults=True):
    """What every new version must hold.

    `contract` is the declared one. `types` are the types of all columns, declared or met first. `naive` and `zoned`
    are the columns whose times came without and with a zone. `suggested` is what the first version would allow, per
    column (nullable, minimum, maximum, allowed): a proposal for whoever curates the contract, not enforced. `dropped`
    are the columns that the source gives no longer, as somebody accepted; they are null, and nothing is asked of them,
    nor by a rule or a reference that reads one.
    """

    contract: Contract = Contract()
    types: dict[str, str] = {}
    naive: tuple[str, ...] = ()
    zoned: tuple[str, ...] = ()
    suggested: dict[str, dict[str, Any]] = {}
    dropped: tuple[str, ...] = ()

    @classmethod
    def read(cls, body: Mapping[str, Any] | None, dataset: Dataset) -> Terms:
        """The terms last recorded, under the contract declared now; that asks anew for a column which it changes."""
        recorded, declared = msgspec.convert(body, cls) if body is not None else cls(), dataset.contract or Contract()
        dropped = tuple(name for name in recorded.dropped if _same(name, recorded.contract, declared))
        return msgspec.structs.replace(recorded, contract=declared, dropped=dropped)

    def body(self) -> dict[str, Any]:
        """The terms as data, to be recorded."""
        body: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(self))
        return body

    def asks(self, each: Rule | Reference) -> bool:
        """Whether a rule or a reference of the contract holds here: not where it reads a column that is dropped."""
        read = each.columns if isinstance(each, Reference) else each.expression.columns()
        return not set(read) & set(self.dropped)

    def unasked(self) -> list[str]:
        """The rules and references of the contract that are not asked, as they are called."""
        rules = [each.name for each in self.contract.rules if not self.asks(each)]
        return rules + [str(each) for each in self.contract.references if not self.asks(each)]

    def column(self, name: str) -> Column:
        """What is declared of a column; nothing binds where nothing is."""
        return self.contract.columns.get(name, Column())

    def expected(self) -> dtype.Types:
        """The types that columns must come in: those met before, and the declared ones of columns not met yet."""
        return {**self.declared(), **dtype.parse_all(self.types)}

    def declared(self) -> dtype.Types:
        """The declared types; raises `InputError` for a name that Polars does not know."""
        return {
            name: dtype.named(column.type, f"Contract.columns[{name!r}].type")
            for name, column in self.contract.columns.items()
            if column.type is not None
        }


def _same(column: str, one: Contract, other: Contract) -> bool:
    """Whether two contracts ask the same of a column."""
    alike = one.columns.get(column) == other.columns.get(column)
    return alike and (column in one.unique) is (column in other.unique)


_CATEGORIES = 20
_MARGIN = 0.25


def suggest(frame: pl.DataFrame, layout: Layout, tags: Container[str] = ()) -> dict[str, dict[str, Any]]:
    """What a first version would allow, per column; of a column that is among `tags` no value is kept.

    Ranges are the 0.1 % and 99.9 % quantiles, a quarter of their distance further out, so that one wild value does
    not widen them; texts with at most 20 values, each seen ten times on average, are taken for categories.
    """
    return {
        name: _suggest(frame[name], bare=name in tags)
        for name in frame.columns
        if name not in (layout.time, layout.knowing) and not frame.is_empty()
    }


def _suggest(values: pl.Series, *, bare: bool) -> dict[str, Any]:
    found: dict[str, Any] = {"nullable": bool(values.null_count())}
    if bare:
        return found
    if values.dtype.is_numeric():
        finite = values.cast(pl.Float64).drop_nulls()
        finite = finite.filter(finite.is_finite())
        low, high = finite.quantile(0.001), finite.quantile(0.999)
        if low is not None and high is not None and not values.dtype.is_decimal():
            margin = _MARGIN * (high - low)
            found["minimum"] = max(0.0, low - margin) if low >= 0 else low - margin
            found["maximum"] = high + margin
    elif values.dtype == pl.String:
        distinct = values.drop_nulls().unique()
        if 0 < len(distinct) <= min(_CATEGORIES, values.len() // 10):
            found["allowed"] = sorted(distinct)
    return found
