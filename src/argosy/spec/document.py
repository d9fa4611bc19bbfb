"""Declarations as JSON: in and out, their published schema, fingerprints, and the difference between two."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any, cast

import msgspec

from argosy.errors import DeclarationError
from argosy.spec.dataset import Dataset
from argosy.spec.feature import FeatureView
from argosy.spec.fleet import Fleet

Declaration = Dataset | FeatureView | Fleet
"""Anything that a project may declare."""

_UNORDERED = {"all_of", "any_of"}


class Change(msgspec.Struct, frozen=True):
    """One field that differs: `path` as in `gates[0].minimum`, with its values before and after (None: absent)."""

    path: str
    before: Any
    after: Any

    def __str__(self) -> str:
        return f"{self.path}: {_show(self.before)} -> {_show(self.after)}"


def kind(declaration: Declaration) -> str:
    """`dataset`, `feature_view` or `fleet`."""
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
        raise DeclarationError(f"declaration: {error}", next="compare it with docs/schema.json") from error
    return found


def fingerprint(declaration: Declaration, code: Mapping[str, str] | None = None) -> str:
    """Changes exactly when the meaning does: with a field, or with the code (reference -> digest) that it reaches.

    The order of keys, of the parts of `&` and `|`, and the spelling of durations and defaults do not count.
    """
    tree = _canonical(msgspec.to_builtins(declaration))
    return hashlib.sha256(msgspec.json.encode([tree, dict(code or {})], order="sorted")).hexdigest()


def diff(before: Declaration | None, after: Declaration | None) -> list[Change]:
    """The fields that differ between two declarations, in order of their path; None stands for no declaration."""
    old = dict(_leaves(msgspec.to_builtins(before) if before is not None else {}))
    new = dict(_leaves(msgspec.to_builtins(after) if after is not None else {}))
    paths = sorted(old.keys() | new.keys())
    return [Change(p, old.get(p), new.get(p)) for p in paths if old.get(p) != new.get(p)]


def schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of every declaration."""
    return msgspec.json.schema(Declaration)


def _canonical(tree: Any) -> Any:
    if isinstance(tree, dict):
        tree = {key: _canonical(value) for key, value in tree.items()}
        if tree.get("kind") in _UNORDERED:
            tree["conditions"] = sorted(tree["conditions"], key=lambda c: msgspec.json.encode(c, order="sorted"))
        return tree
    if isinstance(tree, (list, tuple)):
        return [_canonical(value) for value in tree]
    return tree


def _leaves(tree: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(tree, dict) and tree:
        for key, value in tree.items():
            yield from _leaves(value, f"{path}.{key}" if path else str(key))
    elif isinstance(tree, (list, tuple)) and tree:
        for index, value in enumerate(tree):
            yield from _leaves(value, f"{path}[{index}]")
    else:
        yield path, tree


def _show(value: Any) -> str:
    text = "none" if value is None else str(value)
    return text if len(text) <= 80 else text[:79] + "…"
