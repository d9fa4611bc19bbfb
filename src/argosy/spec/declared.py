"""What every declaration is: frozen, of the types that it states, and equal in bytes where it is equal in meaning."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cache
from types import UnionType
from typing import Any, Literal, get_args, get_origin

import msgspec

from argosy.spec import check, limit
from argosy.spec.frozen import FrozenDict, frozen


class Declared(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A part of a declaration.

    Once made, each field has its stated type (a list became a tuple, a dict a frozen one, a whole number in a field of
    real numbers a float; NaN and infinities are refused) and is within its stated limits (see `limit`), and one that
    equals its default holds the default itself: so it is left out of the JSON, however it was written. A class with a
    form of its own for a field brings it there first, calls this, and then checks what is left.
    """

    def __post_init__(self) -> None:
        for field in _fields(type(self)):
            given = getattr(self, field.name)
            if given is field.default:
                continue
            value = _typed(self, field, given)
            limit.verify(_label(self, field.name), field.type, value)
            if type(value) is type(field.default) and value == field.default:
                value = field.default
            if value is not given:
                check.put(self, field.name, value)


@cache
def _fields(kind: type[msgspec.Struct]) -> tuple[msgspec.structs.FieldInfo, ...]:
    return msgspec.structs.fields(kind)


def _typed(declaration: Declared, field: msgspec.structs.FieldInfo, given: Any) -> Any:
    try:
        value = frozen(msgspec.convert(given, field.type))
    except msgspec.ValidationError as error:
        choices = [choice for part in (field.type, *get_args(field.type)) for choice in _choices(part)]
        if choices:
            check.member(_label(declaration, field.name), given, choices)
        if declarations := _declarations(field.type):
            raise check.fail(
                _label(declaration, field.name), given, f"one of {', '.join(declarations)}", f"pass {declarations[0]}"
            ) from error
        wanted = str(error).partition("`")[2].partition("`")[0].replace(" | ", " or ") or "of its type"
        raise check.fail(_label(declaration, field.name), given, wanted, f"pass {wanted}") from error
    for number in _numbers(value):
        if not math.isfinite(number):
            raise check.fail(
                _label(declaration, field.name), number, "a finite number", "pass a number, or leave it out"
            )
    return value


def _choices(kind: Any) -> tuple[str, ...]:
    return get_args(kind) if get_origin(kind) is Literal else ()


def _declarations(kind: Any) -> list[str]:
    """How a user makes what is to stand in a field, where that is one of several declarations."""
    parts = get_args(kind) if isinstance(kind, UnionType) else (kind,)
    found = [part.__name__ for part in parts if isinstance(part, type) and issubclass(part, Declared)]
    return [f"ag.{name}(...)" for name in found] if len(found) == len(parts) else []


def _numbers(value: Any) -> Iterator[float]:
    if isinstance(value, float):
        yield value
    elif isinstance(value, (tuple, FrozenDict)):
        for item in value if isinstance(value, tuple) else value.values():
            yield from _numbers(item)


def _label(declaration: Declared, field: str) -> str:
    kind = type(declaration).__name__
    name = getattr(declaration, "name", None) if "name" in declaration.__struct_fields__ else None
    return f"{kind}({name!r}).{field}" if isinstance(name, str) and name and field != "name" else f"{kind}.{field}"
