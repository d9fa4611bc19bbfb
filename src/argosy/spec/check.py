"""Checks that declarations share; each failure names the field, the value, the limit and the next step."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from difflib import get_close_matches
from typing import Any, TypeVar
from zoneinfo import ZoneInfo, available_timezones

import msgspec

from argosy.errors import DeclarationError

T = TypeVar("T")

NAME = re.compile(r"[a-z][a-z0-9_.-]{0,62}")
COLUMN_LENGTH = 128
TYPES = (
    "Array", "Binary", "Boolean", "Date", "Datetime", "Decimal", "Duration", "Float16", "Float32", "Float64", "Int8",
    "Int16", "Int32", "Int64", "Int128", "List", "Null", "String", "Struct", "Time", "UInt8", "UInt16", "UInt32",
    "UInt64", "UInt128",
)  # fmt: skip
"""Polars' names of the types that a column is stored in."""
_SHOWN = 60


def fail(field: str, value: object, limit: str, next: str) -> DeclarationError:
    """The error of a wrong field; the value is shown in at most 60 characters."""
    shown = repr(value)
    if len(shown) > _SHOWN:
        shown = shown[: _SHOWN - 1] + "…"
    return DeclarationError(f"{field} is {shown}; it must be {limit}", next=next)


def name(field: str, value: object) -> None:
    """Names travel in addresses and URLs: lower case, starting with a letter, at most 63 characters."""
    if not isinstance(value, str) or not NAME.fullmatch(value):
        raise fail(field, value, "a lower-case name of at most 63 letters, digits, '-', '_' or '.'", "rename it")


def column(field: str, value: object) -> None:
    """A column name is any text without control characters, at most `COLUMN_LENGTH` characters long."""
    if not isinstance(value, str) or not value or len(value) > COLUMN_LENGTH or not value.isprintable():
        raise fail(
            field, value, f"a column name of 1 to {COLUMN_LENGTH} printable characters", "name a column of the table"
        )


def member(field: str, value: object, allowed: Collection[str]) -> None:
    """`value` must be one of `allowed`; a near miss is offered."""
    if not isinstance(value, str) or value not in allowed:
        near = get_close_matches(str(value), allowed, 1)
        raise fail(field, value, f"one of {', '.join(sorted(allowed))}", f"use {near[0] if near else min(allowed)!r}")


def kind(field: str, value: str) -> None:
    """A type of a column by Polars' name, which may have arguments: `Decimal(10, 2)`. A near miss is offered."""
    member(field, value.partition("(")[0], (*TYPES, "Categorical", "Enum"))


def zone(field: str, value: str) -> None:
    """A time zone by its IANA name; a near miss is offered. Where the machine has no list of zones, any name passes."""
    try:
        ZoneInfo(value)
    except (ValueError, LookupError, OSError):
        known = {} if value == "UTC" else {name.casefold(): name for name in available_timezones()}
        if known:
            near = get_close_matches(value.casefold(), known, 1)
            next = f"use {known[near[0]]!r}" if near else "use one such as 'UTC' or 'Europe/Berlin'"
            raise fail(field, value, "the IANA name of a time zone", next) from None


def between(field: str, value: object, low: float, high: float) -> None:
    """`value` must be a number within [low, high]."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
        raise fail(field, value, f"a number between {low:g} and {high:g}", f"choose a value in [{low:g}, {high:g}]")


def ordered(field: str, low: float | None, high: float | None) -> None:
    """Where both bounds are given, the lower must not exceed the upper."""
    if low is not None and high is not None and low > high:
        raise fail(f"{field}.minimum", low, f"at most the maximum, {high:g}", "swap the two bounds")


def instance(field: str, value: object, kinds: type | tuple[type, ...], noun: str) -> None:
    """`value` must be of one of `kinds`; `noun` says so in words."""
    if not isinstance(value, kinds):
        raise fail(field, value, noun, f"pass {noun}")


def distinct(field: str, values: Iterable[str]) -> None:
    """No value may occur twice."""
    seen: set[str] = set()
    for value in values:
        if value in seen:
            raise fail(field, value, "named once", f"remove the second {value!r}")
        seen.add(value)


def columns(field: str, value: object) -> tuple[str, ...]:
    """Column names, each once; a lone name stands for a list of one."""
    names = (value,) if isinstance(value, str) else sequence(field, value)
    for name in names:
        column(field, name)
    distinct(field, names)
    return names


def sequence(field: str, value: object) -> tuple[Any, ...]:
    """A list or tuple as a tuple; a lone string is refused, since it would be read letter by letter."""
    if isinstance(value, str) or not isinstance(value, (list, tuple)):
        raise fail(field, value, "a list", f"write [{value!r}]")
    return tuple(value)


def put(declaration: msgspec.Struct, field: str, value: object) -> None:
    """Set a field of a frozen declaration to its canonical form; only for use while it is being made."""
    msgspec.structs.force_setattr(declaration, field, value)
