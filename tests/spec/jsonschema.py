"""The part of JSON Schema that describes declarations, written from the standard: no validator is depended on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,), "array": (list,), "string": (str,), "integer": (int,), "number": (int, float),
    "boolean": (bool,), "null": (type(None),),
}  # fmt: skip
_KNOWN = {
    "$schema", "$defs", "$ref", "title", "description", "default", "type", "enum", "const", "anyOf", "properties",
    "required", "additionalProperties", "items", "prefixItems", "minItems", "maxItems", "discriminator", "pattern",
    "minimum", "maximum", "minLength", "maxLength", "uniqueItems", "minProperties", "propertyNames",
}  # fmt: skip


def problems(value: Any, schema: dict[str, Any]) -> list[str]:
    """Why a value does not fit a schema; empty if it does. An unknown keyword raises ValueError."""
    return list(_problems(value, schema, schema.get("$defs", {}), "$"))


def _problems(value: Any, schema: dict[str, Any], defs: dict[str, Any], path: str) -> Iterator[str]:
    if unknown := schema.keys() - _KNOWN:
        raise ValueError(f"keywords {unknown} are not known here")
    if "$ref" in schema:
        yield from _problems(value, defs[schema["$ref"].rpartition("/")[2]], defs, path)
    if "anyOf" in schema and all(list(_problems(value, option, defs, path)) for option in schema["anyOf"]):
        yield f"{path}: fits none of {len(schema['anyOf'])}"
    if "enum" in schema and value not in schema["enum"]:
        yield f"{path}: {value!r} is not one of {schema['enum']}"
    if "const" in schema and value != schema["const"]:
        yield f"{path}: {value!r} is not {schema['const']!r}"
    if "type" in schema and not _is(value, schema["type"]):
        yield f"{path}: {value!r} is not of type {schema['type']}"
    elif isinstance(value, dict):
        yield from _object(value, schema, defs, path)
    elif isinstance(value, list):
        yield from _array(value, schema, defs, path)
    elif isinstance(value, str):
        yield from _text(value, schema, path)
    elif isinstance(value, (int, float)) and not schema.get("minimum", value) <= value <= schema.get("maximum", value):
        yield f"{path}: {value!r} is beyond {schema.get('minimum')} to {schema.get('maximum')}"


def _text(value: str, schema: dict[str, Any], path: str) -> Iterator[str]:
    if not re.search(schema.get("pattern", ""), value):
        yield f"{path}: {value!r} does not match {schema['pattern']}"
    if not schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value)):
        yield f"{path}: {len(value)} characters"


def _is(value: Any, kind: str) -> bool:
    return isinstance(value, _TYPES[kind]) and (kind == "boolean" or not isinstance(value, bool))


def _object(value: dict[str, Any], schema: dict[str, Any], defs: dict[str, Any], path: str) -> Iterator[str]:
    known, other = schema.get("properties", {}), schema.get("additionalProperties", True)
    yield from (f"{path}: {name} is missing" for name in schema.get("required", []) if name not in value)
    if len(value) < schema.get("minProperties", 0):
        yield f"{path}: {len(value)} properties"
    for name, item in value.items():
        yield from _problems(name, schema.get("propertyNames", {}), defs, f"{path}.{name}")
        if name in known:
            yield from _problems(item, known[name], defs, f"{path}.{name}")
        elif other is False:
            yield f"{path}: {name} is not known"
        elif other is not True:
            yield from _problems(item, other, defs, f"{path}.{name}")


def _array(value: list[Any], schema: dict[str, Any], defs: dict[str, Any], path: str) -> Iterator[str]:
    if not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value)):
        yield f"{path}: {len(value)} items"
    if schema.get("uniqueItems") and len(set(map(repr, value))) < len(value):
        yield f"{path}: an item occurs twice"
    first = schema.get("prefixItems", [])
    for index, item in enumerate(value):
        expected = first[index] if index < len(first) else schema.get("items", True)
        if expected is False:
            yield f"{path}: more than {len(first)} items"
        elif expected is not True:
            yield from _problems(item, expected, defs, f"{path}[{index}]")
