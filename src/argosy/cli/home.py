"""Which home a command means, what time it is there, and who asks.

A home is given (`--home`), set (ARGOSY_HOME), or it is the nearest `.argosy` directory at the project or above it,
as git finds its own; a project that has none gets `.argosy` beside its module. There is no home per user: two projects
would share one by accident.
"""

from __future__ import annotations

import getpass
import os
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection

from argosy.controller import tenure
from argosy.controller.clock import Clock, ManualClock, SystemClock
from argosy.errors import InputError, UnknownError
from argosy.store import Store
from argosy.store.runs import LEASE
from argosy.store.tracking import absorb

NAME = ".argosy"
CLOCK = "clock"
"""File of a home that holds the time at which a replay stopped: there, it is that time until the replay goes on."""


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


def option(given: str | None, project: Path | None = None) -> str:
    """What a command that names no project needs to come to the home which `find` finds: ` --home DIR`, or nothing."""
    address = find(given, project)
    if address == find(None):
        return ""
    here = Path.cwd()
    near = "://" not in address and Path(address).is_relative_to(here)
    return f" --home {shlex.quote(str(Path(address).relative_to(here)) if near else address)}"


def exists(address: str) -> bool:
    """Whether there is a home at an address, as far as that shows without asking a server."""
    return "://" in address or (Path(address) / "argosy.db").exists()


def open(given: str | None, project: Path | None = None, *, create: bool = False) -> Store:
    """The store of the home. Raises UnknownError where nothing is there and `create` is false."""
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
    return Store.open(address, blobs=Path(blobs) if blobs and "://" in address else None, create=create)


@contextmanager
def look(given: str | None, *, tracked: bool = False) -> Iterator[tuple[Store, Connection]]:
    """The store of the home, and its facts to be read: a run whose process was killed here is at work no more.

    With `tracked`, what Argosy did itself is among the tracked runs.
    """
    with open(given) as store:
        tenure.clear(store, LEASE)
        if tracked:
            absorb.catch_up(store, SystemClock().now())
        with store.read() as conn:
            yield store, conn


def clock(store: Store) -> Clock:
    """The clock of a home: the machine's, or one that stands where a replay has come to."""
    path = store.blobs.root.parent / CLOCK
    if not path.exists():
        return SystemClock()
    return ManualClock(datetime.fromisoformat(path.read_text().strip()))


def stand(root: Path, at: datetime) -> None:
    """Let a home's clock stand at a time; the file appears whole."""
    partial = root / f".{CLOCK}.{os.getpid()}"
    partial.write_text(at.astimezone(UTC).isoformat())
    partial.replace(root / CLOCK)


def actor() -> str:
    """Who asks: the user of this process, as facts name them."""
    try:
        return getpass.getuser()
    except OSError:  # a container's user may have no name
        return f"uid:{os.getuid()}"
