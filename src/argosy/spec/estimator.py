"""An estimator as data: its class by import path and the parameters that differ from their defaults."""

from __future__ import annotations

import importlib
import inspect
import math
from typing import Any

import msgspec

from argosy.errors import DeclarationError
from argosy.spec import check
from argosy.spec.declared import Declared

_SCALARS = (str, int, float, bool, type(None))


class Estimator(Declared, frozen=True):
    """Any scikit-learn compatible estimator.

    `path` is `module:Class`. `parameters` holds what differs from the class's defaults; a nested estimator,
    a tuple and a function are written `{"$estimator": …}`, `{"$tuple": […]}`, `{"$function": "module:name"}`.
    """

    path: str
    parameters: dict[str, Any] = msgspec.field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.path.count(":") != 1 or not all(part.isidentifier() for part in self.path.replace(":", ".").split(".")):
            raise check.fail("estimator.path", self.path, "'module:Class'", "pass the estimator itself")

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
            if not (key in defaults and _same(defaults[key], item))
        }
        return cls(f"{kind.__module__}:{kind.__qualname__}", parameters)

    @property
    def name(self) -> str:
        """The class's own name, `LGBMClassifier`."""
        return self.path.rpartition(":")[2]

    def build(self, **overrides: object) -> Any:
        """A fresh, unfitted estimator. Imports its library: only for workers."""
        module, _, qualified = self.path.partition(":")
        try:
            kind = importlib.import_module(module)
            for part in qualified.split("."):
                kind = getattr(kind, part)
        except (ImportError, AttributeError) as error:
            raise DeclarationError(
                f"estimator {self.path} cannot be imported: {error}", next=f"install the package of {module!r}"
            ) from error
        estimator = kind(**{key: _decode(item) for key, item in self.parameters.items()})  # type: ignore[operator]
        return estimator.set_params(**overrides) if overrides else estimator


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
        return {"$dict": {key: _encode(item, field) for key, item in sorted(value.items())}}
    if not isinstance(value, type) and callable(getattr(value, "get_params", None)):
        inner = Estimator.of(value, field)
        return {"$estimator": {"path": inner.path, "parameters": inner.parameters}}
    if callable(value) and "<" not in getattr(value, "__qualname__", "<"):
        return {"$function": f"{value.__module__}:{value.__qualname__}"}
    raise check.fail(
        field, value, "a number, text, list, estimator or named function", "pass a value that JSON can hold"
    )


def _decode(value: Any) -> Any:
    if isinstance(value, list):
        return [_decode(item) for item in value]
    if not isinstance(value, dict):
        return value
    (tag, body), *_ = value.items()
    if tag == "$tuple":
        return tuple(_decode(item) for item in body)
    if tag == "$dict":
        return {key: _decode(item) for key, item in body.items()}
    if tag == "$float":
        return float(body)
    if tag == "$estimator":
        return Estimator(body["path"], body["parameters"]).build()
    module, _, name = body.partition(":")
    return getattr(importlib.import_module(module), name)
