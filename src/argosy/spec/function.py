"""Functions of the user's project, named by `module:name`, found again after the project is imported."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from argosy.errors import UnknownError
from argosy.spec import check

_registered: dict[str, Callable[..., Any]] = {}


def register(function: object, field: str) -> str:
    """Remember a function under its reference, `module:qualname`, and return that reference."""
    name = getattr(function, "__qualname__", "")
    if not callable(function) or not name or "<" in name:
        raise check.fail(field, function, "a function defined with def at the top of a module", "give it a name")
    reference = f"{function.__module__}:{name}"
    _registered[reference] = function
    return reference


def resolve(reference: str, *, fresh: bool = False) -> Callable[..., Any]:
    """The function behind a reference; imports its module where that has not happened yet, or again with `fresh`."""
    if fresh:
        _registered.pop(reference, None)
    if reference not in _registered:
        module, _, name = reference.partition(":")
        try:
            found: Any = importlib.import_module(module)
            for part in name.split("."):
                found = getattr(found, part)
            found = _registered.get(reference, found)
        except (ImportError, AttributeError) as error:
            raise UnknownError(
                f"function {reference} cannot be imported: {error}", next="argosy apply, to record the project again"
            ) from error
        _registered.setdefault(reference, found)
    return _registered[reference]
