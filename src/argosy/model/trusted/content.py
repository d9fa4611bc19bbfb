"""What is kept of a trusted estimator: its pickle, and what must be known of it without unpickling it."""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

import msgspec

from argosy.errors import CorruptError, DeclarationError
from argosy.model.matrix import Matrix
from argosy.model.trusted.place import libraries

FORMAT = "pickle"
_MARK = b"argosy pickle 1\n"
_LIBRARIES = ("sklearn", "numpy", "scipy", "lightgbm", "xgboost", "catboost", "torch")


class Content(msgspec.Struct, frozen=True):
    """A trusted estimator: its `pickle`, its width and task, and with which Python and libraries it was made.

    `background` holds the rows that its answers are explained against: float32, rows x features.
    """

    pickle: bytes
    features: int
    task: Literal["binary", "regression"]
    python: str
    libraries: dict[str, str]
    background: bytes


def pack(estimator: Any, features: int, task: Literal["binary", "regression"], background: Matrix) -> bytes:
    """The bytes of a fitted estimator. What is defined in the project itself travels within, libraries by name.

    Raises DeclarationError for an estimator that cannot be pickled.
    """
    from argosy.model.trusted import pickler  # only workers that train call this

    try:
        data = pickler.dumps(estimator, list(_of_project()))
    except Exception as error:  # an estimator's own code may raise anything
        raise DeclarationError(
            f"{type(estimator).__name__} cannot be pickled ({type(error).__name__}: {str(error)[:200]})",
            next="keep locks, files and connections out of what fit() leaves",
        ) from error
    content = Content(data, features, task, _python(), _libraries(), background.astype("<f4").tobytes())
    return _MARK + msgspec.msgpack.encode(content)


def unpack(data: bytes) -> Content:
    """What `pack` put together; nothing is unpickled. Raises CorruptError for anything else."""
    try:
        if not data.startswith(_MARK):
            raise msgspec.DecodeError("they do not start as one")
        return msgspec.msgpack.decode(memoryview(data)[len(_MARK) :], type=Content)
    except msgspec.DecodeError as error:
        raise CorruptError(f"these bytes are no trusted estimator: {error}", next="train the version again") from error


def misfit(content: Content) -> str:
    """Why this Python cannot load it, or nothing."""
    here = _python()
    return "" if content.python == here else f"it was pickled by Python {content.python}, and this is {here}"


def _python() -> str:
    return ".".join(platform.python_version_tuple()[:2])


def _libraries() -> dict[str, str]:
    """The versions of libraries that estimators come from, of those that are loaded here."""
    loaded = {name: sys.modules.get(name) for name in _LIBRARIES}
    return {name: str(module.__version__) for name, module in loaded.items() if module is not None}


def _of_project() -> Iterator[ModuleType]:
    """Modules that no library and no Python brings along: where the model is asked there may be none of them."""
    for name, module in list(sys.modules.items()):
        known = getattr(module, "__dict__", {})  # some stand for modules that are loaded when they are asked anything
        file = known.get("__file__")
        ours = isinstance(module, ModuleType) and known.get("__name__") == name != "__main__"
        if ours and isinstance(file, str) and not _is_installed(file):
            yield module


@cache
def _is_installed(file: str) -> bool:
    return any(Path(file).resolve().is_relative_to(each) for each in libraries())
