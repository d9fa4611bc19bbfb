"""Where the libraries lie: what a model may read of its machine, and what its pickle need not carry."""

from __future__ import annotations

import importlib
import sys
import sysconfig
from functools import cache
from pathlib import Path

_OURS = ("stdlib", "platstdlib", "purelib", "platlib")
_NAMES = ("site-packages", "dist-packages")


@cache
def libraries() -> tuple[Path, ...]:
    """The directories of Python's own library, of what is installed for it, and of Argosy.

    A project may lie in the directory of its environment, or below that of Python itself: those are not among them.
    """
    installed = [each for each in sys.path if Path(each).name in _NAMES]  # a user's own, and the system's
    argosy = importlib.import_module("argosy").__path__
    places = [*(sysconfig.get_paths()[each] for each in _OURS), *installed, *argosy]
    return tuple(dict.fromkeys(Path(each).resolve() for each in places))
