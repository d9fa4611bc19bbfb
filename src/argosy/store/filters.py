"""The filter language: `field:value field>1 -field:"two words"`, joined by AND.

Operators are `:` (equal), `>`, `>=`, `<`, `<=`; `-` before a term negates it. In a bare text value `*`
stands for anything and `none` is the absent value; quotes take both literally, and a value that begins with one of
`:<>=`. Times are ISO 8601.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec
from sqlalchemy import Boolean, ColumnElement, Integer, and_, not_

from argosy.errors import UsageError
from argosy.store.codec import Instant, Json, Number

_TERM = re.compile(r'\s*(-?)([A-Za-z_][A-Za-z0-9_]*)(:|>=|<=|>|<)("(?:[^"\\]|\\.)*"|[^\s"<>=:][^\s"]*)(?=\s|$)')
_COMPARE = {">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le}
_EXAMPLE = 'write it as field:value, field>1 or -field:"two words"'


class Term(msgspec.Struct, frozen=True):
    """One condition. `quoted` values are taken literally."""

    field: str
    operator: str
    value: str
    negated: bool = False
    quoted: bool = False

    def __str__(self) -> str:
        escaped = self.value.replace("\\", "\\\\").replace('"', '\\"')
        return f"{'-' * self.negated}{self.field}{self.operator}" + (f'"{escaped}"' if self.quoted else self.value)


def parse(text: str) -> list[Term]:
    """The terms of a filter; empty text has none. Raises `UsageError` at the first thing that is no term."""
    terms = []
    position, end = 0, len(text.rstrip())
    while position < end:
        match = _TERM.match(text, position)
        if match is None:
            raise UsageError(f"filter, at character {position + 1}: {text[position:end].strip()[:40]!r}", next=_EXAMPLE)
        minus, field, sign, value = match.groups()
        quoted = value.startswith('"')
        value = re.sub(r"\\(.)", r"\1", value[1:-1], flags=re.DOTALL) if quoted else value
        terms.append(Term(field, sign, value, bool(minus), quoted))
        position = match.end()
    return terms


def clauses(text: str, fields: Mapping[str, ColumnElement[Any]], *, dialect: str) -> list[ColumnElement[bool]]:
    """The filter as SQL over `fields`. Raises `UsageError` for an unknown field or a value that is not of its type."""
    return [_clause(term, fields, dialect) for term in parse(text)]


def _clause(term: Term, fields: Mapping[str, ColumnElement[Any]], dialect: str) -> ColumnElement[bool]:
    column = fields.get(term.field)
    if column is None or isinstance(column.type, Json):
        known = ", ".join(sorted(name for name, each in fields.items() if not isinstance(each.type, Json)))
        raise UsageError(f"filter: there is no field {term.field!r}", next=f"use one of: {known}")
    found = _comparison(term, column, dialect)
    return not_(found) if term.negated else found


def _comparison(term: Term, column: ColumnElement[Any], dialect: str) -> ColumnElement[bool]:
    """True or false, never NULL, so that a negation holds for absent values."""
    if term.value == "none" and not term.quoted:
        if term.operator != ":":
            raise UsageError(f"filter: {term} compares with nothing", next=f"write {term.field}:none")
        return column.is_(None)
    kind = column.type
    is_text = not isinstance(kind, (Instant, Number, Integer, Boolean))
    if is_text and term.operator == ":" and "*" in term.value and not term.quoted:
        return and_(column.is_not(None), _matches(column, term.value, dialect))
    value = _value(term, kind)
    if term.operator == ":":
        return column.is_not_distinct_from(value)
    return and_(column.is_not(None), _COMPARE[term.operator](column, value))


def _matches(column: ColumnElement[Any], pattern: str, dialect: str) -> ColumnElement[bool]:
    if dialect == "sqlite":  # LIKE ignores case there
        return column.op("GLOB", is_comparison=True)(re.sub(r"([?\[])", r"[\1]", pattern))
    return column.like(re.sub(r"([%_\\])", r"\\\1", pattern).replace("*", "%"), escape="\\")


def _value(term: Term, kind: Any) -> Any:
    try:
        if isinstance(kind, Instant):
            at = datetime.fromisoformat(term.value)
            return at if at.tzinfo else at.replace(tzinfo=UTC)
        if isinstance(kind, Boolean):
            return {"true": True, "false": False}[term.value.lower()]
        if isinstance(kind, Number):
            return _within(float(term.value), math.inf)
        if isinstance(kind, Integer):
            return _within(int(term.value), 2**63 - 1)
    except (ValueError, KeyError):
        wanted = {Instant: "an ISO 8601 time", Boolean: "true or false", Number: "a number"}
        name = next((name for each, name in wanted.items() if isinstance(kind, each)), "a whole number")
        raise UsageError(f"filter: {term} needs {name}", next=f"correct the value of {term.field}") from None
    if "\0" in term.value:
        raise UsageError(f"filter: the value of {term.field} holds a zero byte", next="leave it out")
    return term.value


def _within(value: float, limit: float) -> float:
    if not -limit <= value <= limit:
        raise ValueError(value)
    return value
