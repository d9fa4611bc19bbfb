"""Checking rows against the terms of their dataset: all rules in one pass, failing rows with their reasons."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec
import polars as pl

from argosy.data import history
from argosy.data.check import Check
from argosy.data.part import Layout
from argosy.data.problem import BLOCK, QUARANTINE, WARN, Problem
from argosy.data.terms import Terms
from argosy.errors import InputError
from argosy.spec import duration
from argosy.spec.contract import Column
from argosy.spec.quantity import plural

REASON = "reason"
"""The column that quarantined rows have in addition: why they were set aside."""


class Verdict(msgspec.Struct, frozen=True):
    """Rows that hold, rows that are set aside (with their `reason`), and what was found."""

    good: pl.DataFrame
    aside: pl.DataFrame
    problems: tuple[Problem, ...]


def validate(rows: pl.DataFrame, terms: Terms, layout: Layout, more: Sequence[Check] = ()) -> Verdict:
    """Check every rule on every row, and `more`, made for exactly these rows.

    Raises `InputError` for a rule that cannot be computed on the columns.
    """
    found = [*checks(terms, layout, rows.schema), *more]
    counts = _counts(rows, found)
    broken = [(check, count) for check, count in zip(found, counts, strict=True) if count]
    problems = [_problem(rows, check, count, layout) for check, count in broken]
    asides = [check for check, _ in broken if check.on_failure == QUARANTINE]
    if not asides:
        return Verdict(rows, rows.clear().with_columns(pl.lit("").alias(REASON)), tuple(problems))
    reasons = [pl.when(check.bad).then(pl.lit(check.broken)) for check in asides]
    marked = rows.with_columns(pl.concat_str(reasons, separator="; ", ignore_nulls=True).alias(REASON))
    aside = pl.any_horizontal([check.bad for check in asides])
    return Verdict(rows.filter(~aside), marked.filter(aside), tuple(problems))


def checks(terms: Terms, layout: Layout, schema: pl.Schema) -> list[Check]:
    """Every rule on single rows: times and keys are never null, columns hold what is declared, own rules are true."""
    found = []
    for name in dict.fromkeys((layout.time, layout.knowing, *layout.key)):
        on_failure = terms.contract.columns[name].on_failure if name in terms.contract.columns else BLOCK
        on_failure = BLOCK if on_failure == WARN else on_failure
        found.append(Check("required", on_failure, pl.col(name).is_null(), f"{name} is missing", (name,)))
    for name, column in terms.contract.columns.items():
        if name in schema and name not in terms.dropped:
            found += _of_column(name, column, schema[name])
    for rule in filter(terms.asks, terms.contract.rules):
        bad = ~(rule.expression.expr().fill_null(True)) & pl.repeat(True, pl.len())
        found.append(Check(rule.name, rule.on_failure, bad, f"{rule.name} does not hold"))
    return found


def _of_column(name: str, column: Column, kind: pl.DataType) -> list[Check]:
    value = pl.col(name)
    found: list[tuple[str, pl.Expr, str]] = []
    if not column.nullable:
        found.append(("nullable", value.is_null(), f"{name} is missing"))
    if column.minimum is not None or column.maximum is not None:
        if not kind.is_numeric():
            raise InputError(
                f"Contract.columns[{name!r}] has a range, but {name} is {kind}",
                next="write a Rule for what is no number",
            )
        low, high = column.minimum, column.maximum
        outside = [value < low] if low is not None else []
        outside += [value > high] if high is not None else []
        outside += [value.is_nan()] if kind.is_float() else []
        text = " and ".join(
            f"{word} {bound:g}" for word, bound in (("at least", low), ("at most", high)) if bound is not None
        )
        found.append(("range", pl.any_horizontal(outside), f"{name} is not {text}"))
    if column.allowed is not None:
        few = ", ".join(map(str, column.allowed[:5])) + (", …" if len(column.allowed) > 5 else "")
        found.append(("allowed", ~value.is_in(list(column.allowed), nulls_equal=False), f"{name} is none of {few}"))
    if column.pattern is not None:
        found.append(("pattern", ~value.str.contains(column.pattern), f"{name} does not match {column.pattern}"))
    if column.presence > 0:
        scarce = value.is_null() & (value.is_not_null().mean() < column.presence)
        found.append(("presence", scarce, f"{name} is missing in more than {1 - column.presence:.1%} of the rows"))
    return [Check(rule, column.on_failure, bad.fill_null(False), text, (name,)) for rule, bad, text in found]


def _counts(rows: pl.DataFrame, found: Sequence[Check]) -> list[int]:
    try:
        sums = rows.select(check.bad.sum().alias(str(index)) for index, check in enumerate(found))
    except pl.exceptions.PolarsError as error:
        for check in found:
            _try(rows, check)
        raise InputError(
            f"the contract cannot be checked: {str(error).splitlines()[0]}", next="mend its rules"
        ) from error
    return [int(count or 0) for count in sums.row(0)]


def _try(rows: pl.DataFrame, check: Check) -> None:
    try:
        rows.select(check.bad.sum())
    except pl.exceptions.PolarsError as error:
        raise InputError(
            f"rule {check.rule!r}{f' of column {check.column!r}' if check.column else ''} cannot be computed: "
            f"{str(error).splitlines()[0]:.200}",
            next="mend the rule in the dataset's contract, then argosy apply",
        ) from error


def _problem(rows: pl.DataFrame, check: Check, count: int, layout: Layout) -> Problem:
    shown = dict.fromkeys((*layout.key, layout.time, *(check.columns or check.bad.meta.root_names())))
    some = rows.filter(check.bad).select(list(shown)).head(5)
    message = f"{count:,} of {rows.height:,} rows: {check.broken}"
    return Problem(check.rule, check.on_failure, message, check.column, count, history.examples(some))


def repeated(rows: pl.DataFrame, stored: pl.LazyFrame | None, unique: Sequence[str], layout: Layout) -> list[Problem]:
    """Values that the contract wants once and that occur again, in these rows or among `stored` ones.

    Of one key only what became known last counts, so a correction repeats nothing; columns that `layout.names` need
    no check.
    """
    columns = list(dict.fromkeys((*unique, *layout.key, layout.knowing)))
    frame = rows.lazy().select(columns)
    if stored is not None:
        near = stored.select(columns).join(frame.select(unique).unique(), on=list(unique), how="semi")
        frame = pl.concat([near, frame])
    if layout.key:
        frame = frame.sort(layout.knowing, maintain_order=True).unique(layout.key, keep="last", maintain_order=True)
    twice = frame.filter(pl.struct(unique).is_duplicated(), *(pl.col(name).is_not_null() for name in unique)).collect()
    if twice.is_empty():
        return []
    names = ", ".join(unique)
    message = f"{twice.height:,} rows share their {names} with another"
    return [Problem("unique", BLOCK, message, unique[0], twice.height, history.examples(twice))]


def whole(terms: Terms, added: int, newest: datetime | None, now: datetime) -> list[Problem]:
    """What is wrong with a version as a whole: its number of rows, and how old its newest event is at `now`."""
    found = []
    if terms.contract.rows is not None and not terms.contract.rows[0] <= added <= terms.contract.rows[1]:
        least, most = terms.contract.rows
        found.append(Problem("rows", BLOCK, f"{plural(added, 'row')} arrived, not {least:,} to {most:,}", rows=added))
    if terms.contract.freshness is not None and newest is not None:
        age = now - newest
        if age > duration.parse(terms.contract.freshness):
            message = f"the newest event is {duration.show(age)} old, more than {terms.contract.freshness}"
            found.append(Problem("freshness", WARN, message))
    return found


def affected(frame: pl.DataFrame | pl.LazyFrame, by: Sequence[str]) -> list[str]:
    """The keys of the members that rows belong to, sorted: the values of `by`, "/" and "%" escaped, joined by "/"."""
    escaped = [
        pl.col(name).cast(pl.String).str.replace_all("%", "%25", literal=True).str.replace_all("/", "%2F", literal=True)
        for name in by
    ]
    if not by:
        return [""] if frame.lazy().head(1).collect().height else []
    keys = frame.lazy().drop_nulls(list(by)).select(key=pl.concat_str(escaped, separator="/")).unique().collect()
    return sorted(keys["key"])
