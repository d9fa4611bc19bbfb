"""The query box of a fleet: `status:drifting carrier:AA rows>500 jfk`, over the table of members."""

from __future__ import annotations

import operator
from collections.abc import Mapping

import polars as pl

from argosy.errors import InputError
from argosy.spec.fleet import Fleet
from argosy.store.filters import Term, parse

_COMPARE = {":": operator.eq, ">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le}
_SIGNS = (":", ">", "<")
FIELDS = {
    "status": "status", "key": "key", "answers": "target", "version": "champion_number", "latest": "version_number",
    "score": "score", "drift": "drift_value", "rows": "rows", "new": "new_rows", "served": "served",
    "failures": "failures", "rollout": "rollout_state", "age": "age",
}  # fmt: skip
"""What a query may name besides the key columns, and the column of the table."""


def terms(text: str) -> tuple[list[Term], list[str]]:
    """(conditions, bare words) of a query. Raises `InputError` at what is neither."""
    found, bare = [], []
    for part in _split(text):
        if any(sign in part for sign in _SIGNS):
            found += parse(part)
        else:
            bare.append(part.strip('"'))
    return found, bare


def choose(text: str, fleet: Fleet) -> pl.Expr:
    """The rows that a query means; the frame has the columns of `observe.table`, `status`, `age` in days, and the
    fleet's key columns. Raises `InputError` for a field that is not there or a value of another type.
    """
    found, bare = terms(text)
    conditions = [_condition(term, fleet) for term in found]
    key = pl.col("key").str.to_lowercase()
    conditions += [key.str.contains(word.lower(), literal=True) for word in bare]
    return pl.all_horizontal(conditions) if conditions else pl.lit(True)


def toggled(text: str, field: str, value: str) -> str:
    """The query with `field:value` added, or without it; other values of that field give way."""
    try:
        parts = _split(text)
    except InputError:
        parts = []
    mine = f"{field}:{value}"
    rest = [part for part in parts if not part.startswith(f"{field}:")]
    return " ".join(rest if mine in parts else [*rest, mine])


def names(text: str, field: str, value: str) -> bool:
    """Whether the query holds `field:value`."""
    return f"{field}:{value}" in text.split()


def _split(text: str) -> list[str]:
    """Words, those in quotes kept together."""
    parts, quoted, current = [], False, ""
    for letter in text:
        quoted ^= letter == '"'
        if letter.isspace() and not quoted:
            parts.append(current)
            current = ""
        else:
            current += letter
    if quoted:
        raise InputError(f"query {text[:60]!r}: a quote is not closed", next='write field:"two words"')
    return [part for part in (*parts, current) if part]


def _condition(term: Term, fleet: Fleet) -> pl.Expr:
    columns: Mapping[str, str] = {**FIELDS, **{name: f"by_{name}" for name in fleet.by}}
    name = columns.get(term.field)
    if name is None:
        raise InputError(f"query: there is no field {term.field!r}", next=f"use one of: {', '.join(columns)}")
    column = pl.col(name)
    if term.value == "none" and not term.quoted and term.operator == ":":
        found = column.is_null()
    elif name in ("status", "key", "target", "rollout_state") or name.startswith("by_"):
        found = _text(column, term)
    else:
        found = _COMPARE[term.operator](column, _number(term))
    found = found.fill_null(False)
    return ~found if term.negated else found


def _text(column: pl.Expr, term: Term) -> pl.Expr:
    if term.operator != ":":
        raise InputError(f"query: {term} compares text", next=f"write {term.field}:{term.value}")
    if "*" in term.value and not term.quoted:
        start, *middle = term.value.split("*")
        found = column.str.starts_with(start) & column.str.ends_with(middle[-1])
        for part in middle[:-1]:
            found &= column.str.contains(part, literal=True)
        return found
    return column.str.to_lowercase() == term.value.lower()


def _number(term: Term) -> float:
    try:
        return float(term.value)
    except ValueError:
        raise InputError(f"query: {term} needs a number", next=f"write {term.field}>100") from None
