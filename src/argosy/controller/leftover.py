"""Leftovers: what processes that were killed had begun to write. Nothing ever reads it, and it is safe to remove.

Whoever writes gives a file or folder its name when it is whole; until then it bears one that begins with a dot.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
from sqlalchemy import Connection

from argosy.store import declarations, leases
from argosy.store.store import Store

AGE = timedelta(days=1)
"""How long nothing was written to what counts as left behind: longer than any living process pauses in a write."""
_UNFINISHED = {
    "*": re.compile(r"\.(token|clock)\.\d+"),
    "bundles/*": re.compile(r"\.[0-9a-f]{64}\.\w+"),
    "segments/*/*": re.compile(r"\..+\.arrow\.part"),
    "sets/*/*": re.compile(r"\.[0-9a-f]{32}\.\w+"),
}
"""Below the directory of a home: where to look, and the names that unfinished things bear there."""


class Leftover(msgspec.Struct, frozen=True):
    """A file or folder that nobody will finish or use, and how large it is."""

    path: Path
    bytes: int


def find(store: Store, now: datetime) -> list[Leftover]:
    """What was left behind in a home: unfinished writes, and training sets of fleets that are no longer declared.

    `now` is the machine's own time, as files bear it. What was written to within `AGE` is left out, and so are the sets
    of a fleet that somebody works on.
    """
    root = store.blobs.root.parent
    with store.read() as conn:
        in_use = _fleets(conn, now)
    sets = (path for path in root.glob("sets/*/[!.]*") if path.parent.name not in in_use)
    found = []
    for path in sorted({*store.blobs.drafts(), *_unfinished(root), *sets}):
        written, size = _state(path)
        if written <= (now - AGE).timestamp():
            found.append(Leftover(path, size))
    return found


def remove(found: Iterable[Leftover]) -> list[Leftover]:
    """Remove leftovers; returns those that are gone. What cannot be removed stays, and does no harm but to the disk."""
    gone = []
    for each in found:
        shutil.rmtree(each.path, ignore_errors=True) if each.path.is_dir() else each.path.unlink(missing_ok=True)
        if not each.path.exists():
            gone.append(each)
    return gone


def _unfinished(root: Path) -> Iterator[Path]:
    for where, name in _UNFINISHED.items():
        yield from (path for path in root.glob(where) if name.fullmatch(path.name))


def _fleets(conn: Connection, now: datetime) -> set[str]:
    """Those that are declared or worked on."""
    held = {lease.name.removeprefix("fleet:") for lease in leases.live(conn, now, "fleet:")}
    return held | {each.name for each in declarations.current(conn, "fleet")}


def _state(path: Path) -> tuple[float, int]:
    """When something was last written there, and how much it holds; what vanishes meanwhile is as if it were new."""
    try:
        states = [each.lstat() for each in (path, *path.rglob("*"))]
    except OSError:
        return float("inf"), 0
    return max(state.st_mtime for state in states), sum(state.st_size for state in states)
