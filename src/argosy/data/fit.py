"""Fitting what arrived to the columns and types of a dataset: what is new, wider, missing, or back."""

from __future__ import annotations

from collections.abc import Container, Sequence

import msgspec
import polars as pl

from argosy.data import dtype, load
from argosy.data.load import Load
from argosy.data.part import Layout
from argosy.data.problem import BLOCK, EVOLUTION, MISSING, RECORDED, WARN, Problem
from argosy.data.terms import Terms
from argosy.errors import InputError
from argosy.spec.contract import Contract

_SHOWN = 20


class Fit(msgspec.Struct, frozen=True):
    """The types of the dataset once the loads are in, the terms that say so, and what was found on the way.

    `fitting` is false where a column came in a type that cannot be held with the earlier ones.
    """

    types: dtype.Types
    terms: Terms
    problems: tuple[Problem, ...]
    fitting: bool

    def rows(self, given: Load) -> pl.DataFrame:
        """A load's rows with all columns in their order and types; a missing column is null."""
        have = given.rows.schema
        return given.rows.select(
            pl.col(name).cast(kind) if name in have else pl.lit(None, kind).alias(name)
            for name, kind in self.types.items()
        )


def fit(loads: Sequence[Load], terms: Terms, layout: Layout, *, accepted: bool = False) -> Fit:
    """Follow the schema through the loads that have rows, in their order.

    Where they are `accepted`, the columns that they lack count as dropped from then on, until a load has values of them
    (rows that were kept apart hold every column of the dataset, empty where their source had none).
    Raises `InputError` where a load lacks the columns of time, known time or key, or mixes times with and without
    zone: such rows cannot be taken at all, not even to be looked at.
    """
    declared, types = terms.declared(), dtype.parse_all(terms.types)
    naive, zoned = frozenset(terms.naive), frozenset(terms.zoned)
    problems, dropped = list[Problem](), set(terms.dropped)
    fitting, first = True, not types
    for given in loads:
        if given.rows.is_empty():
            continue
        _needed(given, layout)
        load.agreed(given, naive, zoned)
        naive, zoned = naive | given.naive, zoned | given.zoned
        lacking = _missing(given, {**types, **declared}, terms.contract, dropped)
        problems += lacking
        if accepted:
            dropped |= {problem.column for problem in lacking if problem.column and problem.severity == BLOCK}
        for column in [name for name in sorted(dropped & set(given.rows.columns)) if given.rows[name].count()]:
            dropped.remove(column)
            problems += [_change(given, f"column {column!r} is back", column, terms)] if column in types else []
        for column, kind in given.rows.schema.items():
            held = types.get(column)
            target, problem = _admit(given, column, kind, held, declared.get(column), terms, first)
            fitting = fitting and target is not None
            problems += [problem] if problem else []
            if target is not None:
                types[column] = target
        first = False
    grown = msgspec.structs.replace(
        terms,
        types=dtype.names(types),
        naive=tuple(sorted(naive)),
        zoned=tuple(sorted(zoned)),
        dropped=tuple(sorted(dropped)),
    )
    return Fit(types, grown, tuple(problems), fitting)


def _needed(given: Load, layout: Layout) -> None:
    """Raise `InputError` unless the columns that name and date a row are there."""
    for column in dict.fromkeys((layout.time, layout.knowing, *layout.key)):
        if column not in given.rows.columns:
            have = given.rows.columns
            other = next((mark for mark in ";\t|," if len(have) == 1 and mark in have[0]), None)
            raise InputError(
                f"{given.name} has no column {column!r}, by which rows are told apart or dated; it has "
                f"{', '.join(map(repr, have[:_SHOWN]))}",
                next=f"ag.Csv(…, separator={other!r})"
                if other
                else "add it, or name another as the time, known or key of the ag.Dataset",
            )
    for column in dict.fromkeys((layout.time, layout.knowing)):
        kind = given.rows.schema[column]
        if kind != dtype.INSTANT and given.rows[column].null_count() < given.rows.height:
            raise InputError(
                f"{given.name}: column {column!r} is {kind}, not a time",
                next="write times as ISO 8601, or as timestamps",
            )


def _missing(given: Load, types: dtype.Types, contract: Contract, dropped: Container[str]) -> list[Problem]:
    """What a load lacks of the columns met before and of those that the contract names: all block, unless they warn.

    Those that were `dropped` with somebody's consent are not missed.
    """
    problems, have = list[Problem](), given.rows.columns
    for column in dict.fromkeys((*types, *contract.columns, *contract.unique)):
        if column in have or column in dropped:
            continue
        said = f"{given.name} has no column {column!r}"
        if column in contract.columns or column in contract.unique:
            said += f", which the contract names; it has {', '.join(map(repr, have[:_SHOWN]))}"
            said += f" and {len(have) - _SHOWN} more" if len(have) > _SHOWN else ""
            said += ": bring it in, or correct ag.Contract, then argosy apply"
        else:
            said += f" ({types[column]})"
        warns = column in contract.columns and contract.columns[column].on_failure == WARN
        severity = WARN if warns and column not in contract.unique else BLOCK
        problems.append(Problem(MISSING, severity, said, column, given.rows.height))
    return problems


def _admit(
    given: Load,
    column: str,
    kind: pl.DataType,
    held: pl.DataType | None,
    declared: pl.DataType | None,
    terms: Terms,
    first: bool,
) -> tuple[pl.DataType | None, Problem | None]:
    """The type of a column once this load is in (None: there is none), and what is to be said about it."""
    bound = declared if declared is not None else held
    wide = dtype.wider(bound, kind) if bound is not None else kind
    if wide is None or (declared is not None and wide != declared):
        message = f"{given.name}: column {column!r} is {kind}, not {bound}"
        return None, Problem("type", BLOCK, message, column, given.rows.height)
    if held is None:
        return wide, None if first else _change(given, f"new column {column!r} ({wide})", column, terms)
    if wide == held or held == pl.Null:
        return wide, None
    return wide, _change(given, f"column {column!r} widens from {held} to {wide}", column, terms)


def _change(given: Load, what: str, column: str, terms: Terms) -> Problem:
    if terms.contract.evolution == "block":
        message = f"{given.name}: {what}, and the contract admits no change"
        return Problem(EVOLUTION, BLOCK, message, column, given.rows.height)
    return Problem(EVOLUTION, WARN, f"{given.name}: {what}", column, given.rows.height, outcome=RECORDED)
