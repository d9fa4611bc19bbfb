"""Where the home is that a command means: to say so takes no store.

A home is given (`--home`), set (ARGOSY_HOME), or it is the nearest `.argosy` directory at the project or above it,
as git finds its own; a project that has none gets `.argosy` beside its module. There is no home per user: two projects
would share one by accident.
"""

from __future__ import annotations

import os
from pathlib import Path

from argosy.errors import InputError, UnknownError

NAME = ".argosy"


def find(given: str | None, project: Path | None = None) -> str:
    """The address of the home for a command: a directory or a URL. It need not exist yet.

    `project` is the module, package or directory of a project where the command names one.
    """
    if given or os.environ.get("ARGOSY_HOME"):
        chosen = given or os.environ["ARGOSY_HOME"]
        return chosen if "://" in chosen else str(Path(chosen).expanduser().resolve())
    start = Path.cwd() if project is None else project.resolve()
    start = start.parent if start.is_file() or (start / "__init__.py").is_file() else start
    for folder in (start, *start.parents):
        if (folder / NAME).is_dir():
            return str(folder / NAME)
    return str(start / NAME)


def exists(address: str) -> bool:
    """Whether there is a home at an address, as far as that shows without asking a server."""
    return "://" in address or (Path(address) / "argosy.db").exists()


def located(given: str | None, project: Path | None = None, *, create: bool = False) -> tuple[str, Path]:
    """The address of the home, and the directory of its blobs.

    Raises UnknownError where nothing is there and `create` is false, InputError for a URL without a place for blobs.
    """
    address = find(given, project)
    blobs = os.environ.get("ARGOSY_BLOBS")
    if "://" in address and not blobs:
        raise InputError(
            "a PostgreSQL home keeps its blobs in a directory, and ARGOSY_BLOBS does not name one",
            next="export ARGOSY_BLOBS=/path/to/directory",
        )
    if not create and not exists(address):
        raise UnknownError(
            f"there is no home in {address}",
            next="argosy apply PROJECT, argosy up --create without a project, or name one with --home",
        )
    return address, Path(blobs) if blobs and "://" in address else Path(address) / "blobs"
