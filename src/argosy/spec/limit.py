"""Limits: what a field's annotation says beyond its type. The published schema and the checks read the same.

Numbers and choices are checked here, by their annotation, whenever a declaration is made. Names, columns and durations
are brought to their one form first, and are checked there from the same constants.
"""

from __future__ import annotations

from collections.abc import Collection
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from msgspec import Meta

from argosy.spec import check

Name = Annotated[str, Meta(extra_json_schema={"pattern": f"^{check.NAME.pattern}$"})]
ColumnName = Annotated[str, Meta(extra_json_schema={"minLength": 1, "maxLength": check.COLUMN_LENGTH})]
ColumnNames = Annotated[tuple[ColumnName, ...], Meta(extra_json_schema={"uniqueItems": True})]

FILLED = Meta(extra_json_schema={"minItems": 1})
"""At least one item."""


def between(low: float, high: float) -> Meta:
    """A number within [low, high]."""
    return Meta(extra_json_schema={"minimum": low, "maximum": high})


def one_of(names: Collection[str]) -> Meta:
    """One of some texts."""
    return Meta(extra_json_schema={"enum": sorted(names)})


def verify(field: str, kind: Any, value: Any) -> None:
    """Numbers and choices in a value must be within what its type's annotations say. Raises `DeclarationError`."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Annotated:
        verify(field, inner[0], value)
        for meta in inner[1:]:
            _verify(field, meta.extra_json_schema or {}, value)
    elif origin in (Union, UnionType):
        known = [each for each in inner if each is not NoneType]
        if value is not None and len(known) == 1:
            verify(field, known[0], value)
    elif origin is tuple:
        for index, item in enumerate(value):
            verify(field, inner[0] if inner[-1] is ... else inner[index], item)


def _verify(field: str, limits: dict[str, Any], value: Any) -> None:
    if "minimum" in limits:
        check.between(field, value, limits["minimum"], limits["maximum"])
    if "enum" in limits:
        check.member(field, value, limits["enum"])
