"""Column types as text in the facts, and which type can hold the values of two."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from datetime import datetime
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import polars as pl

from argosy.errors import CorruptError, InputError
from argosy.spec.check import TYPES
from argosy.store.codec import to_micros

if TYPE_CHECKING:
    from polars._typing import PolarsDataType

Types = dict[str, pl.DataType]

_TYPES: dict[str, type[pl.DataType]] = {name: getattr(pl, name) for name in TYPES}
_SIGNED = (pl.Int8, pl.Int16, pl.Int32, pl.Int64)
_UNSIGNED = (pl.UInt8, pl.UInt16, pl.UInt32, pl.UInt64)
INSTANT = pl.Datetime("us", "UTC")
"""The one type of a moment in a dataset."""


def instant(at: datetime) -> pl.Expr:
    """A moment as an expression. Polars' own literal of a time with a zone costs a third of a millisecond."""
    return pl.lit(to_micros(at), pl.Int64).cast(INSTANT)


def names(types: Mapping[str, pl.DataType]) -> dict[str, str]:
    """Each column's type in Polars' own words, which `parse` reads back."""
    return {column: repr(dtype) for column, dtype in types.items()}


def parse_all(columns: Mapping[str, str]) -> Types:
    """The types that `names` wrote."""
    return {column: parse(text) for column, text in columns.items()}


def parse(text: str) -> pl.DataType:
    """The type that a text such as `Datetime(time_unit='us', time_zone='UTC')` names; raises `CorruptError`."""
    try:
        found = _built(ast.parse(text, mode="eval").body)
    except (SyntaxError, ValueError, TypeError, KeyError):
        found = None
    if not isinstance(found, pl.DataType):
        raise CorruptError(f"{text!r} names no type of a column", next="restore the store from a backup")
    return found


def storable(rows: pl.DataFrame, name: str) -> pl.DataFrame:
    """The rows in types that are read back as they were stored: categories become their texts, at any depth.

    Raises `InputError` naming `name` for a column of a type that no file holds, such as Python objects.
    """
    changed = []
    for column, kind in rows.schema.items():
        kept = _kept(kind)
        if kept is None:
            raise InputError(
                f"{name}: column {column!r} is {kind}, which cannot be stored",
                next=f"cast it to one of {', '.join(_TYPES)}, or leave it out",
            )
        if kept != kind:
            changed.append(pl.col(column).cast(kept))
    return rows.with_columns(changed) if changed else rows


def _kept(kind: pl.DataType) -> pl.DataType | None:
    """The type that values are stored in; None where there is none."""
    if isinstance(kind, (pl.Categorical, pl.Enum)):
        return pl.String()
    if isinstance(kind, pl.Struct):
        fields = {field.name: _kept(_made(field.dtype)) for field in kind.fields}
        known = {name: inner for name, inner in fields.items() if inner is not None}
        return pl.Struct(known) if len(known) == len(fields) else None
    if isinstance(kind, (pl.List, pl.Array)):
        inner = _kept(_made(kind.inner))
        if inner is None or isinstance(kind, pl.List):
            return pl.List(inner) if inner is not None else None
        return pl.Array(inner, kind.size)
    return kind if type(kind) in _TYPES.values() else None


def _made(kind: PolarsDataType) -> pl.DataType:
    return kind if isinstance(kind, pl.DataType) else kind()


def wider(one: pl.DataType, other: pl.DataType) -> pl.DataType | None:
    """The type that holds the values of both, or None where there is none.

    Whole numbers widen to larger ones and to Float64 (exact up to 2^53), floats to Float64, Null to anything.
    """
    if one == other:
        return one
    if one == pl.Null or other == pl.Null:
        return other if one == pl.Null else one
    if one.is_float() or other.is_float():
        numeric = one.is_numeric() and other.is_numeric() and not (one.is_decimal() or other.is_decimal())
        return pl.Float64() if numeric else None
    for family in (_SIGNED, _UNSIGNED):
        if one in family and other in family:
            return max(one, other, key=family.index)
    if one.is_integer() and other.is_integer() and not {pl.Int128, pl.UInt128} & {type(one), type(other)}:
        unsigned = one if one in _UNSIGNED else other
        signed = other if unsigned == one else one
        place = _UNSIGNED.index(type(unsigned)) + 1
        return max(_SIGNED[place](), signed, key=lambda t: _SIGNED.index(type(t))) if place < len(_SIGNED) else None
    return None


def _built(node: ast.expr) -> Any:
    """Types, and the literals that are their parameters, out of a syntax tree; nothing is executed."""
    if isinstance(node, ast.Name):
        return _TYPES[node.id]()
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        named = {str(keyword.arg): _built(keyword.value) for keyword in node.keywords}
        return _TYPES[node.func.id](*map(_built, node.args), **named)
    if isinstance(node, ast.Dict):
        return {ast.literal_eval(key): _built(value) for key, value in zip(node.keys, node.values, strict=True) if key}
    return ast.literal_eval(node)


def named(text: str, field: str) -> pl.DataType:
    """The type that a user means by a Polars name; `Datetime` is a UTC time. Raises `InputError` naming `field`."""
    if text in ("Categorical", "Enum"):
        return pl.String()
    if text == "Datetime":
        return INSTANT
    try:
        return parse(text)
    except CorruptError:
        near = get_close_matches(text, _TYPES, 1)
        raise InputError(
            f"{field} is {text!r}, which names no type of Polars", next=f"write {near[0] if near else 'Float64'!r}"
        ) from None
