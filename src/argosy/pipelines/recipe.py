"""Recipes: what a step is made of, as far as its result depends on it; and the key of each of its calls."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator, Mapping
from typing import Any, get_args

import msgspec

from argosy.engine.key import environment, task_key, versions
from argosy.pipelines.formats import value
from argosy.pipelines.piece import Held, Many, Piece, Plain, content
from argosy.spec import code
from argosy.spec import format as own
from argosy.spec.function import resolve
from argosy.spec.interface import Interface
from argosy.spec.resource import Resources
from argosy.spec.step import Step

_SHOWN = 200
_SMALL = range(-(1 << 63), 1 << 63)


class Recipe(msgspec.Struct, frozen=True):
    """A step's share of the key of its calls.

    `parts` are digests by part of the code (see `CodePrint`), `interface` that of its annotations, `libraries` the
    versions of what it imports. `variables` are digests of the declared ones of the environment, which may be secrets;
    None for one that is not set.
    """

    parts: dict[str, str]
    interface: str
    libraries: dict[str, str]
    variables: dict[str, str | None]
    environment: str
    digest: str
    """What is the same for all calls of the step, but for the libraries."""


def of(step: Step[..., Any], variables: Mapping[str, str], resources: Resources | None = None) -> Recipe:
    """The recipe of a step, as its project's files, the libraries and the environment's variables are now.

    The project's own formats count for every step: which of them a value has shows only when it is there.
    """
    function = resolve(step.function)
    print = code.fingerprint(function, resources=resources)
    parts, packages = dict(print.parts), set(print.packages)
    home = code.directories(function)
    formats = (made for made in own.registered() if code.directories(made) == home)  # not those of another project
    for made in (*_classes(step.interface), *formats):
        found = code.fingerprint(made, resources=resources)
        parts |= found.parts
        packages |= set(found.packages)
    asked = {name: variables.get(name) for name in step.options.environment}
    digest = _digest([print.digest, parts, step.interface.digest, asked])
    kept = {name: None if each is None else _digest(each) for name, each in asked.items()}
    return Recipe(parts, step.interface.digest, versions(packages), kept, environment(packages), digest)


def key(recipe: Recipe, arguments: Mapping[str, Piece | None], salt: str = "") -> str:
    """The content address of a call: its step's recipe, and what it is given by name.

    `salt` sets apart what is not to be used again: the calls of a step that is not cached, of each run.
    """
    names = sorted(arguments)
    return task_key(recipe.digest, [names, salt], [_content(arguments[name]) for name in names], recipe.environment)


def untied(name: str) -> str:
    """The key of a call that depends on more than can be told, so that it is a new one in each run."""
    return hashlib.sha256(f"untied:{name}".encode()).hexdigest()


def told(arguments: Mapping[str, Piece | None], origins: Mapping[str, str]) -> dict[str, Any]:
    """The arguments of a call as they are recorded: constants, else what each is and where it is from."""
    found: dict[str, Any] = {}
    for name, piece in arguments.items():
        if isinstance(piece, Plain):
            found[name] = {"value": _bounded(piece.value)}
        elif isinstance(piece, Held) and piece.of == "" and piece.data is not None:
            found[name] = {"value": value.text(piece.data)}
        else:
            found[name] = {"content": _content(piece), "from": origins.get(name, "")}
            if isinstance(piece, Many):
                found[name]["count"] = len(piece.items)
    return found


def _digest(value: Any) -> str:
    return hashlib.sha256(msgspec.json.encode(value, order="sorted")).hexdigest()


def _content(piece: Piece | None) -> str:
    return "" if piece is None else content(piece)


def _bounded(value: Any) -> Any:
    kind = type(value)
    if kind is bool or kind is float or (kind is int and value in _SMALL):
        return value
    plain = msgspec.to_builtins(value)
    return plain if len(msgspec.json.encode(plain)) <= 1000 else f"{str(plain)[:_SHOWN]}…"


def _classes(given: Interface) -> Iterator[type]:
    """The classes that annotations name, but for those of the standard library: they say how values are loaded."""
    waiting = [each.annotation for each in given.inputs.values()] + [each.annotation for each in given.outputs]
    seen: set[int] = set()
    while waiting:
        annotation = waiting.pop()
        waiting += get_args(annotation)
        home = getattr(annotation, "__module__", "") or ""
        known = home.partition(".")[0] in ("argosy", *sys.stdlib_module_names)
        if isinstance(annotation, type) and not get_args(annotation) and not known and id(annotation) not in seen:
            seen.add(id(annotation))
            yield annotation
