"""What the workers of a project's code import once, in the process that they are forked from."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

from argosy.controller.project import imported

ALWAYS = ("argosy.pipelines.work", "argosy.pipelines.formats.value")
"""What every worker for steps needs."""

_LATE = {"argosy", "polars"}  # Polars starts threads, and what has some is not forked from


def libraries(directory: Path | None) -> tuple[str, ...]:
    """The modules of libraries that the modules of a directory, as they are imported here, name things of."""
    if directory is None:
        return ALWAYS
    own = {path.removesuffix(".py").replace("/", ".").removesuffix(".__init__") for path in imported(directory)}
    found = {home for name in own if name in sys.modules for home in _named(sys.modules[name])}
    wanted = (home for home in found if home in sys.modules and home not in own)
    return (*ALWAYS, *sorted(home for home in wanted if home.partition(".")[0] not in _KNOWN))


def _named(module: ModuleType) -> Iterator[str]:
    for value in vars(module).values():
        home = value.__name__ if isinstance(value, ModuleType) else getattr(value, "__module__", None)
        if isinstance(home, str):
            yield home


_KNOWN = _LATE | sys.stdlib_module_names | {name.partition(".")[0] for name in ALWAYS}
