"""References: whether what the columns of a row hold occurs in the dataset that a contract says it does."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import polars as pl
from sqlalchemy import Connection

from argosy.data import dtype, part
from argosy.data.check import Check
from argosy.data.problem import WARN, Problem
from argosy.errors import InputError
from argosy.spec.contract import Contract, Reference
from argosy.store import Blobs, datasets
from argosy.store.datasets import Part, Version

RULE = "reference"


class Target(msgspec.Struct, frozen=True):
    """What a reference is checked against: the latest version of its dataset (None: it has no rows yet)."""

    reference: Reference
    version: Version | None
    parts: list[Part] = []

    @property
    def shown(self) -> str:
        """The version, as in `airports@3`."""
        return f"{self.reference.dataset}@{self.version.number if self.version else 0}"


def targets(conn: Connection, contract: Contract) -> tuple[Target, ...]:
    """The targets of a contract's references, as they are in this snapshot."""
    found = []
    for reference in contract.references:
        version = datasets.version(conn, reference.dataset)
        parts = datasets.cover(conn, reference.dataset, version.number) if version else []
        found.append(Target(reference, version if parts else None, parts))
    return tuple(found)


def checks(blobs: Blobs, given: Sequence[Target], rows: pl.DataFrame) -> tuple[list[Check], list[Problem]]:
    """A check per reference, for exactly these rows; a problem for each that only warns and has no target yet.

    Raises `InputError` for one that does more than warn and has no target yet, and where columns are missing or of
    types that never meet.
    """
    found: list[tuple[Target, pl.LazyFrame]] = []
    problems: list[Problem] = []
    for target in given:
        reference = target.reference
        if target.version is not None:
            found.append((target, _absent(blobs, target, target.version, rows)))
        elif reference.on_failure == WARN:
            message = f"{reference} was not checked: {reference.dataset} has no rows yet"
            problems.append(Problem(RULE, WARN, message, reference.columns[0]))
        else:
            raise InputError(
                f"{reference} cannot be checked: {reference.dataset} has no rows yet",
                next=f"bring rows into {reference.dataset} first; what waits here is tried again by itself",
            )
    absent = pl.collect_all([frame for _, frame in found])
    return [_check(target, each.to_series()) for (target, _), each in zip(found, absent, strict=True)], problems


def _check(target: Target, absent: pl.Series) -> Check:
    reference = target.reference
    broken = f"{', '.join(reference.columns)} is not in {_where(reference)} ({target.shown})"
    return Check(RULE, reference.on_failure, pl.lit(absent), broken, reference.columns)


def _where(reference: Reference) -> str:
    return ", ".join(f"{reference.dataset}.{name}" for name in reference.targets)


def _absent(blobs: Blobs, target: Target, version: Version, rows: pl.DataFrame) -> pl.LazyFrame:
    """One column, a row for each of `rows`: whether it refers to what is not there."""
    reference, held = target.reference, dtype.parse_all(version.columns)
    here, there = [], []
    for name, other in zip(reference.columns, reference.targets, strict=True):
        kind = _common(rows, name, target, other, held)
        here.append(pl.col(name).cast(kind))
        there.append(pl.col(other).cast(kind).alias(name))
    wanted, names = rows.lazy().select(here), list(reference.columns)
    stored = part.frame(blobs, target.parts, held).select(there)
    present = stored.join(wanted.unique(), on=names, how="semi").unique().with_columns(__there=True)
    joined = wanted.join(present, on=names, how="left", maintain_order="left")
    return joined.select(pl.col("__there").is_null() & pl.all_horizontal(pl.col(names).is_not_null()))


def _common(rows: pl.DataFrame, name: str, target: Target, other: str, held: dtype.Types) -> pl.DataType:
    """The type in which the two columns are compared."""
    for place, column, columns in (("what arrived", name, rows.columns), (target.shown, other, list(held))):
        if column not in columns:
            raise InputError(
                f"{target.reference} cannot be checked: {place} has no column {column!r}",
                next=f"name one of {', '.join(columns[:20])} in the contract, then argosy apply",
            )
    kind = dtype.wider(rows.schema[name], held[other])
    if kind is None:
        raise InputError(
            f"{target.reference} cannot be checked: {name} is {rows.schema[name]}, {other} in {target.shown} is "
            f"{held[other]}",
            next="bring both in the same type, as with Csv.types",
        )
    return kind
