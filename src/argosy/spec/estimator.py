"""An estimator as data: its class by import path and the parameters that differ from their defaults."""

from __future__ import annotations

import importlib
import inspect
import math
import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from argosy.errors import DeclarationError
from argosy.spec import check
from argosy.spec.declared import Declared
from argosy.spec.frozen import EMPTY

_SCALARS = (str, int, float, bool, type(None))


class Estimator(Declared, frozen=True):
    """Any scikit-learn compatible estimator.

    `path` is `module:Class`. `parameters` holds what differs from the class's defaults; what JSON has no form for is
    written `{"$estimator": {"path": …, "parameters": …}}`, `{"$tuple": […]}`, `{"$dict": {…}}`, `{"$pairs": [[key,
    value], …]}` for a dict whose keys are not all texts, `{"$float": "nan"}`, and `{"$function": "module:name"}` for
    a function or a class.
    """

    path: str
    parameters: Mapping[str, Any] = EMPTY

    def __post_init__(self) -> None:
        super().__post_init__()
        _reference("estimator.path", self.path)
        for name, value in self.parameters.items():
            for _ in _references(value, f"estimator.{name}"):
                pass  # each is checked as it is found

    @classmethod
    def of(cls, value: object, field: str = "estimator") -> Estimator:
        """From an estimator object (its `get_params`), without importing scikit-learn here."""
        if isinstance(value, Estimator):
            return value
        if isinstance(value, type) or not callable(getattr(value, "get_params", None)):
            raise check.fail(field, value, "a scikit-learn compatible estimator", "write LGBMClassifier(), an object")
        kind = type(value)
        if "<locals>" in kind.__qualname__ or kind.__module__ == "__main__":
            raise check.fail(field, value, "of a class that can be imported", "define the class in a module")
        given = value.get_params(deep=False)  # type: ignore[attr-defined]
        defaults = _defaults(kind)
        parameters = {
            key: _encode(item, f"{field}.{key}")
            for key, item in sorted(given.items())
            if not key.startswith("_")
            and not (key in defaults and _same(defaults[key], item))  # skorch tells of its own
        }
        return cls(f"{kind.__module__}:{kind.__qualname__}", parameters)

    @property
    def name(self) -> str:
        """The class's own name, `LGBMClassifier`."""
        return self.path.rpartition(":")[2]

    def build(self, **overrides: object) -> Any:
        """A fresh, unfitted estimator. Imports its library: only for workers."""
        kind = _resolve(self.path)
        if not isinstance(kind, type) or not callable(getattr(kind, "get_params", None)):
            raise check.fail(
                "estimator.path", self.path, "a scikit-learn compatible class", "name a class with get_params"
            )
        estimator: Any = kind(**{key: _decode(item) for key, item in self.parameters.items()})
        return estimator.set_params(**overrides) if overrides else estimator

    def references(self) -> tuple[str, ...]:
        """Every class and function that it names, as `module:name`, its own class first."""
        inner = (found for value in self.parameters.values() for found in _references(value, "estimator"))
        return tuple(dict.fromkeys((self.path, *inner)))


def _defaults(kind: type) -> dict[str, Any]:
    signature = inspect.signature(kind.__init__)  # type: ignore[misc]
    return {p.name: p.default for p in signature.parameters.values() if p.default is not inspect.Parameter.empty}


def _same(default: object, value: object) -> bool:
    if isinstance(default, float) and isinstance(value, float) and math.isnan(default) and math.isnan(value):
        return True
    return type(default) is type(value) and isinstance(value, (*_SCALARS, tuple)) and default == value


def _encode(value: Any, field: str) -> Any:
    if hasattr(value, "item") and not isinstance(value, type) and getattr(value, "ndim", None) == 0:
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return {"$float": repr(value)}
    if isinstance(value, _SCALARS):
        return value
    if isinstance(value, tuple):
        return {"$tuple": [_encode(item, field) for item in value]}
    if isinstance(value, list):
        return [_encode(item, field) for item in value]
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return {"$dict": {key: _encode(item, f"{field}[{key!r}]") for key, item in sorted(value.items())}}
    if isinstance(value, dict):
        return {"$pairs": [[_encode(key, field), _encode(item, f"{field}[{key!r}]")] for key, item in value.items()]}
    if not isinstance(value, type) and callable(getattr(value, "get_params", None)):
        inner = Estimator.of(value, field)
        return {"$estimator": {"path": inner.path, "parameters": inner.parameters}}
    if callable(value) and _found_again(value):
        return {"$function": f"{value.__module__}:{value.__qualname__}"}
    raise check.fail(
        field, value, "a number, text, list, dict, estimator, or a function with a name in a module",
        "define it at the top of a module, or pass a plain value",
    )  # fmt: skip


def _found_again(value: Any) -> bool:
    """Whether a function's module and name lead back to it: not for lambdas, methods of objects and local functions."""
    module, name = getattr(value, "__module__", None), getattr(value, "__qualname__", "<")
    if not module or module == "__main__" or "<" in name:
        return False
    found: Any = sys.modules.get(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    return found is value


def _reference(field: str, value: object) -> str:
    parts = value.replace(":", ".").split(".") if isinstance(value, str) and value.count(":") == 1 else [""]
    if not all(part.isidentifier() for part in parts):
        raise check.fail(field, value, "'module:name'", "pass the estimator or function itself")
    return str(value)


def _references(value: Any, field: str) -> Iterator[str]:
    """The classes and functions named in an encoded, frozen parameter. Raises DeclarationError if it is ill-formed."""
    items: Iterable[Any] = ()
    match value:
        case tuple() | {"$tuple": tuple()} if not isinstance(value, dict) or len(value) == 1:
            items = value if isinstance(value, tuple) else value["$tuple"]
        case {"$pairs": tuple(pairs)} if len(value) == 1 and all(isinstance(p, tuple) and len(p) == 2 for p in pairs):
            items = pairs
        case {"$dict": dict(held)} if len(value) == 1:
            items = held.values()
        case {"$float": "nan" | "inf" | "-inf"} if len(value) == 1:
            pass
        case {"$function": name} if len(value) == 1:
            yield _reference(field, name)
        case {"$estimator": {"path": path, "parameters": dict(held)}} if len(value) == 1:
            yield _reference(field, path)
            items = held.values()
        case None | bool() | int() | float() | str():
            pass
        case _:
            raise check.fail(field, value, "an encoded parameter", "pass the estimator itself")
    for item in items:
        yield from _references(item, field)


def _resolve(reference: str) -> Any:
    module, _, name = reference.partition(":")
    try:
        found: Any = importlib.import_module(module)
        for part in name.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError) as error:
        raise DeclarationError(
            f"estimator part {reference} cannot be imported: {error}", next=f"install the package of {module!r}"
        ) from error
    return found


def _decode(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_decode(item) for item in value]
    if not isinstance(value, dict):
        return value
    ((tag, body),) = value.items()
    match tag:
        case "$tuple":
            return tuple(_decode(item) for item in body)
        case "$dict":
            return {key: _decode(item) for key, item in body.items()}
        case "$pairs":
            return {_decode(key): _decode(item) for key, item in body}
        case "$float":
            return float(body)
        case "$estimator":
            return Estimator(body["path"], body["parameters"]).build()
        case _:
            return _resolve(body)
