"""How a function travels to a worker: by name, never by value."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from functools import reduce
from typing import Any, cast

from argosy.errors import InputError


def reference(function: Callable[..., Any] | str) -> str:
    """The `module:qualname` under which a worker finds the function. Raises `InputError` if it cannot."""
    if isinstance(function, str):
        module, _, name = function.partition(":")
        if not module or not name:
            raise InputError(f"function reference {function!r} is not of the form 'module:name'")
        return function
    module = getattr(function, "__module__", "") or ""
    name = getattr(function, "__qualname__", "") or ""
    shown = f"{module}:{name}" if name else repr(function)[:100]
    if module == "__main__" or not name or "<" in name:
        raise InputError(
            f"function {shown} cannot be found by a worker: it is not a named function of an importable module",
            next="move it to the top level of a module, and pass what it closes over as arguments of the task",
        )
    try:
        found = reduce(getattr, name.split("."), cast(Any, sys.modules[module]))
    except (KeyError, AttributeError):
        found = None
    if found is not function:
        raise InputError(
            f"function {shown} cannot be found by a worker: its module holds something else under that name",
            next="pass the function that the module holds",
        )
    return f"{module}:{name}"


def resolve(reference: str) -> Callable[..., Any]:
    """The function behind a reference; imports its module, and raises whatever that raises."""
    module, _, name = reference.partition(":")
    return cast(Callable[..., Any], reduce(getattr, name.split("."), cast(Any, importlib.import_module(module))))
