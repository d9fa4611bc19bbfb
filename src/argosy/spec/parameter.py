"""Parameters: the names that an estimator takes. A class that takes any keyword swallows a misspelt one in silence."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterable
from difflib import get_close_matches
from typing import Any

from argosy.errors import DeclarationError

Known = Callable[[type], Collection[str] | None]
"""The names that a class takes whose `__init__` takes any keyword; None where nobody can tell."""

_SHOWN = 12


def check(field: str, estimator: Any, names: Iterable[str], known: Known = lambda kind: None) -> None:
    """Every name must be a parameter of an estimator, a live object, or of one inside it: `step__parameter`.

    Raises DeclarationError at the first that is not, with the name that is closest to it.
    """
    for name in names:
        _check(field, estimator, name, "", known)


def check_given(field: str, estimator: Any, known: Known) -> None:
    """What was passed to an estimator, and to those inside it, must be parameters. Raises DeclarationError.

    Only a class that takes any keyword can have been given anything else.
    """
    for each in (estimator, *estimator.get_params(deep=True).values()):
        if not _has_parameters(each) or not _takes_any(type(each)):
            continue
        allowed = known(type(each))
        wrong = [name for name in each.get_params(deep=False) if allowed is not None and name not in allowed]
        if allowed is not None and wrong:
            raise _no_parameter(field, wrong[0], type(each), allowed)


def of_init(kind: type) -> frozenset[str]:
    """The names in the signature of a class's `__init__`."""
    return frozenset(each.name for each in _parameters(kind) if each.kind is not inspect.Parameter.VAR_KEYWORD)


def _check(field: str, estimator: Any, name: str, before: str, known: Known) -> None:
    """`before` leads to the estimator from the outermost one: `step__`."""
    found, kind = estimator.get_params(deep=True), type(estimator)
    head, nested, rest = name.partition("__")
    if nested and _has_parameters(found.get(head)):
        _check(field, found[head], rest, f"{before}{head}__", known)
        return
    allowed = known(kind) if _takes_any(kind) else found.keys() | of_init(kind)
    if allowed is not None and name not in allowed:
        raise _no_parameter(field, name, kind, allowed, before)


def _has_parameters(value: object) -> bool:
    return not isinstance(value, type) and callable(getattr(value, "get_params", None))


def _takes_any(kind: type) -> bool:
    return any(each.kind is inspect.Parameter.VAR_KEYWORD for each in _parameters(kind))


def _parameters(kind: type) -> list[inspect.Parameter]:
    """Those of `__init__` without `self`; none where the class has none of its own."""
    init: Any = kind.__init__  # type: ignore[misc]
    return [] if init is object.__init__ else list(inspect.signature(init).parameters.values())[1:]


def _no_parameter(field: str, name: str, kind: type, allowed: Collection[str], before: str = "") -> DeclarationError:
    near = get_close_matches(name, allowed, 1)
    some = ", ".join(sorted(allowed)[:_SHOWN]) + (", …" if len(allowed) > _SHOWN else "")
    return DeclarationError(
        f"{field} names {before + name!r}, which is no parameter of {kind.__name__}",
        next=f"write {before + near[0]!r}" if near else f"use one of: {some or 'it takes none'}",
    )
