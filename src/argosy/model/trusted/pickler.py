"""Pickling by value what a project defines, as its modules cannot be imported where the model is asked.

What cloudpickle leaves to do: modules that import each other, functions that keep what they gave, the same bytes for
the same estimator wherever it was fitted, and classes of a pickle that no other pickle changes.
"""

from __future__ import annotations

import io
from collections.abc import Collection
from functools import _lru_cache_wrapper, lru_cache
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

import cloudpickle

_PLACES = ("__builtins__", "__cached__", "__file__", "__loader__", "__path__", "__spec__")


def dumps(value: Any, own: Collection[ModuleType]) -> bytes:
    """The pickle of a value, with all that it needs of a project's own modules. Raises what pickling raises."""
    known = cloudpickle.list_registry_pickle_by_value()
    ours = {each.__name__: each for each in own}
    for name in ours.keys() - known:
        cloudpickle.register_pickle_by_value(ours[name])
    try:
        return _dumped(_Pickler, value, ours)
    finally:
        for name in ours.keys() - known:
            cloudpickle.unregister_pickle_by_value(ours[name])


class _Pickler(cloudpickle.Pickler):  # type: ignore[misc]
    def __init__(self, file: io.BytesIO, own: dict[str, ModuleType]) -> None:
        super().__init__(file)
        self.own = own

    def reducer_override(self, value: Any) -> Any:
        if isinstance(value, ModuleType) and self.own.get(value.__name__) is value:
            return ModuleType, (value.__name__, value.__doc__), self.kept(value)
        if isinstance(value, _lru_cache_wrapper) and value.__module__ in self.own:
            return _keeping, (value.__wrapped__, value.cache_parameters())
        if isinstance(value, CodeType):
            return self.dispatch_table[CodeType](value.replace(co_filename=Path(value.co_filename).name))
        made = super().reducer_override(value)
        if made is NotImplemented:
            return made
        function, given, *rest = made
        if isinstance(value, type) and len(given) > 2 and given[-1] is None:
            given = (*given[:-2], None, None)  # by its id, a class would be the one that another pickle has brought
        elif isinstance(value, FunctionType) and len(given) > 1 and isinstance(given[1], dict):
            for name in _PLACES:
                given[1].pop(name, None)
        return function, given, *rest

    def kept(self, module: ModuleType) -> dict[str, Any]:
        """What a module holds, but for what cannot be pickled, and where it came from."""
        return {name: each for name, each in vars(module).items() if name not in _PLACES and self._can(each)}

    def _can(self, value: Any) -> bool:
        try:
            _dumped(_Trial, value, self.own)
        except Exception:  # the value's own code may raise anything
            return False
        return True


class _Trial(_Pickler):
    """It leaves modules empty: whether what they hold can be pickled is asked of each thing once."""

    def kept(self, module: ModuleType) -> dict[str, Any]:
        return {}


def _dumped(pickler: type[_Pickler], value: Any, own: dict[str, ModuleType]) -> bytes:
    file = io.BytesIO()
    pickler(file, own).dump(value)
    return file.getvalue()


def _keeping(function: Any, terms: dict[str, Any]) -> Any:
    return lru_cache(**terms)(function)
