"""The home that a command means, what time it is there, and who asks."""

from __future__ import annotations

import getpass
import os
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection

from argosy.cli.address import find, located
from argosy.controller import tenure
from argosy.controller.clock import Clock, ManualClock, SystemClock
from argosy.store import Store
from argosy.store.runs import LEASE
from argosy.store.tracking import absorb

CLOCK = "clock"
"""File of a home that holds the time at which a replay stopped: there, it is that time until the replay goes on."""


def option(given: str | None, project: Path | None = None) -> str:
    """What a command that names no project needs to come to the home which `find` finds: ` --home DIR`, or nothing."""
    address = find(given, project)
    if address == find(None):
        return ""
    here = Path.cwd()
    near = "://" not in address and Path(address).is_relative_to(here)
    return f" --home {shlex.quote(str(Path(address).relative_to(here)) if near else address)}"


def open(given: str | None, project: Path | None = None, *, create: bool = False) -> Store:
    """The store of the home. Raises UnknownError where nothing is there and `create` is false."""
    address, blobs = located(given, project, create=create)
    return Store.open(address, blobs=blobs if "://" in address else None, create=create)


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
