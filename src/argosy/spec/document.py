"""Declarations as JSON: in and out, their published schema, fingerprints, and the difference between two."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any, cast

import msgspec

from argosy.errors import DeclarationError
from argosy.spec.condition import AllOf, AnyOf, Condition, Not
from argosy.spec.dataset import Dataset
from argosy.spec.feature import FeatureView
from argosy.spec.fleet import Fleet
from argosy.spec.pipeline import Pipeline

Declaration = Dataset | FeatureView | Fleet | Pipeline
"""Anything that a project may declare."""


ADDED = frozenset({"code", "packages", "project", "training", "revision", "since"})
"""What applying adds to a declaration's JSON: digests of its code, the packages that it imports, its project, and what
its training depends on; of a pipeline since when it is to run by itself as it does."""


class Change(msgspec.Struct, frozen=True):
    """One field that differs: `path` as in `gates[0].minimum`, with its values before and after (None: absent)."""

    path: str
    before: Any
    after: Any

    def __str__(self) -> str:
        return f"{self.path}: {_show(self.before)} -> {_show(self.after)}"


def kind(declaration: Declaration) -> str:
    """`dataset`, `feature_view`, `fleet` or `pipeline`."""
    return str(declaration.__struct_config__.tag)


def encode(declaration: Declaration) -> bytes:
    """Canonical JSON: sorted keys, defaults left out; equal declarations give equal bytes."""
    return msgspec.json.encode(declaration, order="sorted")


def decode(body: bytes | str | Mapping[str, Any]) -> Declaration:
    """A declaration from its JSON (text or parsed). Raises DeclarationError that names the field."""
    try:
        found: Declaration = msgspec.convert(
            body if isinstance(body, Mapping) else msgspec.json.decode(body), cast("type[Declaration]", Declaration)
        )
    except msgspec.MsgspecError as error:
        if isinstance(error.__cause__, DeclarationError):
            raise error.__cause__ from None
        raise DeclarationError(f"declaration: {error}", next="compare it with docs/schema.json") from error
    return found


def recorded(body: Mapping[str, Any]) -> Declaration:
    """The declaration in a body as it was recorded, without what applying added to it (see `ADDED`).

    Of several approvals of a fleet, which could be declared once, the first stands for all.
    """
    kept = {key: value for key, value in body.items() if key not in ADDED}
    asked = [gate for gate in kept.get("gates", ()) if gate["kind"] == "approval"]
    if len(asked) > 1:
        kept["gates"] = [gate for gate in kept["gates"] if gate not in asked[1:]]
    return decode(kept)


def fingerprint(declaration: Declaration, code: Mapping[str, str] | None = None) -> str:
    """Changes exactly when the meaning does: with a field, or with the code (reference -> digest) that it reaches.

    The order of keys, of the parts of `&` and `|`, and the spelling of durations and defaults do not count.
    """
    return hashlib.sha256(msgspec.json.encode([_canonical(declaration), dict(code or {})], order="sorted")).hexdigest()


def diff(before: Declaration | None, after: Declaration | None) -> list[Change]:
    """The fields that differ between two declarations, in order of their path; None stands for no declaration.

    Defaults count as written out. Empty exactly when the two have the same fingerprint.
    """
    old = dict(_leaves(_canonical(before))) if before is not None else {}
    new = dict(_leaves(_canonical(after))) if after is not None else {}
    paths = sorted(old.keys() | new.keys())
    return [Change(p, old.get(p), new.get(p)) for p in paths if _differ(old.get(p), new.get(p))]


def schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of every declaration."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **msgspec.json.schema(Declaration)}


def _canonical(declaration: Declaration) -> Declaration:
    """The declaration with the parts of `&` and `|` in one order, whichever they were written in."""
    if isinstance(declaration, Fleet):
        return msgspec.structs.replace(declaration, retrain=_sorted(declaration.retrain))
    return declaration


def _sorted(condition: Condition) -> Condition:
    match condition:
        case AllOf(conditions=parts) | AnyOf(conditions=parts):
            return type(condition)(tuple(sorted(map(_sorted, parts), key=msgspec.json.encode)))
        case Not(condition=part):
            return Not(_sorted(part))
        case _:
            return condition


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, msgspec.Struct):
        tag = {"kind": value.__struct_config__.tag} if value.__struct_config__.tag else {}
        value = tag | msgspec.structs.asdict(value)
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from _leaves(item, f"{path}.{key}" if path else str(key))
    elif isinstance(value, (list, tuple)) and value:
        for index, item in enumerate(value):
            yield from _leaves(item, f"{path}[{index}]")
    else:
        yield path, value


def _differ(before: Any, after: Any) -> bool:
    return type(before) is not type(after) or before != after


def _show(value: Any) -> str:
    text = "none" if value is None else str(value)
    return text if len(text) <= 80 else text[:79] + "…"
