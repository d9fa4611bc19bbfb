"""A format: how values of one type become the bytes of an artifact, come back, and are looked at."""

from __future__ import annotations

import io
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from argosy.errors import UnknownError
from argosy.spec import check
from argosy.spec.function import register

BUILT_IN = ("value", "table", "array", "model", "file", "directory", "report")
"""Names of the formats that come with Argosy."""

F = TypeVar("F", bound="type[Format]")


class File(io.BufferedIOBase):
    """An artifact's bytes while they are written or read, as an open binary file: what a format is handed."""

    @abstractmethod
    def path(self) -> Path:
        """A file of these bytes, for what wants a name: `save` writes to it in place of `write`, `load` only reads."""


class Format(ABC):
    """Base of a project's own formats; see `format`.

    One object may be used by many threads: it holds no state. Equal values should become equal bytes: steps that
    follow are run again where the bytes differ.
    """

    name: ClassVar[str]

    @abstractmethod
    def save(self, value: Any, file: File) -> None:
        """Write `value` to `file`. Raise `InputError` for one that would not come back as it is."""

    @abstractmethod
    def load(self, file: File, wanted: Any) -> Any:
        """The value in `file`. `wanted` is the annotation of the parameter that it is for, `typing.Any` without one."""

    def preview(self, value: Any) -> dict[str, Any] | None:
        """What console and command line show of it: plain JSON of a few kilobytes at most, or None."""
        return None


class _Registered:
    """Formats of the project by name, and which of them is for a type."""

    def __init__(self) -> None:
        self.by_name: dict[str, type[Format]] = {}
        self.by_type: dict[type, type[Format]] = {}


_registered = _Registered()


def format(kind: type) -> Callable[[F], F]:
    """Register the decorated subclass of `Format` for values of the type `kind` and of its subclasses.

    Raises `DeclarationError` for anything but a named subclass of `Format`, and for a name that is taken.
    """
    check.instance("ag.format(type)", kind, type, "a type")

    def decorate(made: F) -> F:
        if not (isinstance(made, type) and issubclass(made, Format)):
            raise check.fail("ag.format", made, "a subclass of ag.Format", "write class GraphFormat(ag.Format): …")
        reference = register(made, "ag.format")
        name = getattr(made, "name", None)
        check.name(f"{made.__qualname__}.name", name)
        assert isinstance(name, str)
        other = _registered.by_name.get(name)
        if name in BUILT_IN or (other is not None and reference != f"{other.__module__}:{other.__qualname__}"):
            taken = "Argosy's own" if other is None else f"{other.__module__}:{other.__qualname__}"
            raise check.fail(f"{made.__qualname__}.name", name, f"a name of its own ({taken} has it)", "rename it")
        _registered.by_name[name] = _registered.by_type[kind] = made
        return made

    return decorate


def of_type(kind: type) -> type[Format] | None:
    """The project's format for a type, or for the nearest of its bases that has one."""
    return next((_registered.by_type[base] for base in kind.__mro__ if base in _registered.by_type), None)


def of_name(name: str) -> type[Format]:
    """The project's format of that name. Raises `UnknownError`, also where its module has not been imported."""
    if name not in _registered.by_name:
        known = ", ".join(sorted((*BUILT_IN, *_registered.by_name)))
        raise UnknownError(f"there is no format {name!r} (known: {known})",
                           next="import the module that registers it with @ag.format")  # fmt: skip
    return _registered.by_name[name]


def registered() -> tuple[type[Format], ...]:
    """The project's formats, by name, without those of modules that are no longer imported, or were imported anew."""
    return tuple(made for _, made in sorted(_registered.by_name.items()) if _is_current(made))


def modules() -> tuple[str, ...]:
    """The modules that the project's formats are defined in, for a process that is to import them."""
    return tuple(sorted({made.__module__ for made in registered()}))


def known() -> list[str]:
    """Names of the types that the project registered a format for."""
    return sorted(f"{kind.__module__}.{kind.__qualname__}" for kind in _registered.by_type)


def _is_current(made: type[Format]) -> bool:
    module = sys.modules.get(made.__module__)
    name = made.__qualname__
    return module is not None and ("." in name or getattr(module, name, None) is made)
