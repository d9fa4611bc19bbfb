"""The interface of a function: what it takes, by name and type, and what it gives."""

from __future__ import annotations

import hashlib
import inspect
import pathlib
import types
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import msgspec

from argosy.errors import DeclarationError
from argosy.spec import check

MISSING: Any = inspect.Parameter.empty
"""The default of an input that must be given."""

_LISTS = (list, tuple, set, frozenset, Sequence)
_CONSTANT = msgspec.json.Encoder()


class Input(msgspec.Struct, frozen=True):
    """One argument: its annotation (`Any` where there is none) and its default."""

    name: str
    annotation: Any
    default: Any


class Given(msgspec.Struct, frozen=True):
    """One output: its name, empty for the only one, and its annotation."""

    name: str
    annotation: Any


class Interface(msgspec.Struct, frozen=True):
    """`inputs` in order; one of `outputs`, or several where a tuple of a fixed length is returned.

    `positional` are the names of inputs that may be given without their name.
    """

    inputs: dict[str, Input]
    outputs: tuple[Given, ...]
    several: bool
    positional: tuple[str, ...]
    digest: str

    def bind(self, owner: str, args: Sequence[Any], named: Mapping[str, Any]) -> dict[str, Any]:
        """What is given, by name, and paths that are defaults, whose content counts.

        Raises DeclarationError for what is unknown, given twice or missing.
        """
        if len(args) > len(self.positional):
            raise check.fail(f"{owner}'s number of arguments", len(args), f"at most {len(self.positional)} without a "
                             "name", "give the others by name")  # fmt: skip
        found = dict(zip(self.positional, args, strict=False))
        for name, value in named.items():
            if name not in self.inputs:
                raise check.fail(f"{owner}'s argument", name, f"one of {', '.join(self.inputs) or 'none'}", "rename it")
            if name in found:
                raise check.fail(f"{owner}'s argument", name, "given once", f"remove the second {name!r}")
            found[name] = value
        for each in self.inputs.values():
            if each.name not in found and each.default is MISSING:
                raise DeclarationError(f"{owner} lacks its argument {each.name!r}", next=f"give {each.name}=…")
            if each.name not in found and isinstance(each.default, pathlib.PurePath):
                found[each.name] = each.default
        return found


def of(function: Callable[..., Any], owner: str) -> Interface:
    """The interface of a function whose arguments all have names. Raises DeclarationError that names `owner`."""
    try:
        return _of(function)
    except (AttributeError, NameError) as error:
        raise DeclarationError(
            f"an annotation of {owner} cannot be read: {error}", next="import or define what it names above it"
        ) from error
    except DeclarationError as error:
        raise DeclarationError(f"{owner} {error.message}", next=error.next) from None


def constant(owner: str, wanted: Input, value: Any) -> Any:
    """A plain value as its annotation asks. Raises DeclarationError where it is of another type, or no plain value."""
    field = f"{owner}'s argument {wanted.name}"
    if value is None and wanted.default is None:
        return None
    try:
        _CONSTANT.encode(value)
    except (TypeError, ValueError, OverflowError):
        raise check.fail(
            field, type(value).__name__, "a plain value (numbers, text, dates, lists, dicts, structs), or a step's "
            "output", "call it, and pass what it gives" if callable(value) else "return it from a step",
        ) from None  # fmt: skip
    try:
        return msgspec.convert(value, wanted.annotation)
    except msgspec.ValidationError as error:
        raise check.fail(field, value, show(wanted.annotation), f"pass {show(wanted.annotation)}") from error
    except TypeError:  # a type that msgspec does not know is the function's own affair
        return value


def is_list(annotation: Any) -> bool:
    """Whether values of an annotation are lists of any length, as a map spreads them."""
    bare = plain(annotation)
    origin, inner = get_origin(bare) or bare, get_args(bare)
    if origin is tuple:
        return not inner or inner[-1] is ...
    return isinstance(origin, type) and origin is not str and origin is not bytes and issubclass(origin, _LISTS)


def item(annotation: Any) -> Any:
    """The annotation of the items of a list."""
    inner = get_args(plain(annotation))
    return inner[0] if inner else Any


def plain(annotation: Any) -> Any:
    """An annotation without `Annotated` and without `| None`."""
    while True:
        origin, inner = get_origin(annotation), get_args(annotation)
        if origin is Annotated:
            annotation = inner[0]
        elif (
            origin in (Union, types.UnionType) and len(rest := [each for each in inner if each is not type(None)]) == 1
        ):
            annotation = rest[0]
        else:
            return annotation


def is_path(annotation: Any) -> bool:
    """Whether a file or a directory is asked for."""
    bare = plain(annotation)
    return isinstance(bare, type) and issubclass(bare, pathlib.PurePath)


def show(annotation: Any) -> str:
    """An annotation as people write it."""
    if isinstance(annotation, type) and not get_args(annotation):
        return annotation.__qualname__
    return str(annotation).replace("typing.", "")


@cache
def _of(function: Callable[..., Any]) -> Interface:
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        raise DeclarationError("is async, and nothing awaits it", next="write def, with asyncio.run(…) in it")
    if inspect.isgeneratorfunction(function):
        raise DeclarationError("yields, and nothing asks for what follows", next="return a list of what it yields")
    hints = get_type_hints(function, include_extras=True)
    inputs: dict[str, Input] = {}
    positional: list[str] = []
    for each in inspect.signature(function).parameters.values():
        if each.kind in (each.VAR_POSITIONAL, each.VAR_KEYWORD, each.POSITIONAL_ONLY):
            raise DeclarationError(f"takes {each}: each argument must have a name", next=f"name what {each} may hold")
        inputs[each.name] = Input(each.name, hints.get(each.name, Any), each.default)
        if each.kind is each.POSITIONAL_OR_KEYWORD:
            positional.append(each.name)
    outputs, several = _outputs(hints.get("return", Any))
    text = [(name, _full(each.annotation)) for name, each in inputs.items()]
    text += [(f"->{each.name}", _full(each.annotation)) for each in outputs]
    digest = hashlib.sha256(msgspec.json.encode(text)).hexdigest()
    return Interface(inputs, outputs, several, tuple(positional), digest)


def _outputs(annotation: Any) -> tuple[tuple[Given, ...], bool]:
    inner = get_args(annotation)
    if get_origin(annotation) is not tuple or inner[-1] is ... or inner == ((),):
        return (Given("", annotation),), False
    names = [_named(each) or str(place) for place, each in enumerate(inner)]
    check.distinct("output", names)
    return tuple(Given(name, each) for name, each in zip(names, inner, strict=True)), True


def _named(annotation: Any) -> str:
    notes = get_args(annotation)[1:] if get_origin(annotation) is Annotated else ()
    return next((note for note in notes if isinstance(note, str)), "")


def _full(annotation: Any) -> str:
    """An annotation in a text that tells types of one name apart."""
    if get_origin(annotation) is not None:
        return f"{get_origin(annotation)}[{','.join(map(_full, get_args(annotation)))}]"
    if isinstance(annotation, type):
        return f"{annotation.__module__}.{annotation.__qualname__}"
    return str(annotation)
