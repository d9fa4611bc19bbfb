"""Frozen values: what a declaration holds once it is made cannot be changed by whoever gave it, or by anyone else."""

from __future__ import annotations

from typing import Any, NoReturn


class _Filled(type):
    """Fills a frozen dict while it is made, as its own `__init__` cannot."""

    def __call__(cls: Any, *given: Any, **named: Any) -> Any:
        made: dict[str, Any] = dict.__new__(cls)
        dict.update(made, *given, **named)
        return made


class FrozenDict(dict[str, Any], metaclass=_Filled):
    """A dict that cannot be changed: it compares and encodes as one, and hashes, as its values do.

    What would change it raises TypeError; `|` and `copy` give an ordinary dict.
    """

    def _refuse(self, *args: object, **named: object) -> NoReturn:
        shown = ", ".join(map(repr, self)) or "nothing"
        raise TypeError(
            f"a declaration is frozen, and so is its dict of {shown}\n  next: make another, from a dict of your own"
        )

    __init__ = __setitem__ = __delitem__ = __ior__ = _refuse
    clear = pop = popitem = setdefault = update = _refuse

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(frozenset(self.items()))

    def __reduce__(self) -> tuple[object, ...]:
        return FrozenDict, (dict(self),)


EMPTY = FrozenDict()
"""The default of fields that hold a dict: one and the same, so that it is left out of the JSON."""


def frozen(value: Any) -> Any:
    """A copy of lists, tuples and dicts, in any depth, as tuples and frozen dicts; any other value is itself."""
    if isinstance(value, dict):
        return FrozenDict((key, frozen(item)) for key, item in value.items())
    return tuple(map(frozen, value)) if isinstance(value, (list, tuple)) else value
