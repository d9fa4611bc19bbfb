"""Leftovers: what processes that were killed had begun to write. Nothing ever reads it, and it is safe to remove.

Whoever writes gives a file or folder its name when it is whole; until then it bears one that begins with a dot. A home
may lie in a folder with a person's own files, or beside another home: only what bears a name that Argosy alone gives,
in the place and of the kind that it gives it to, is ever touched, and of fleets only those that this home declared.
"""

from __future__ import annotations

import re
import shutil
import stat
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
from sqlalchemy import Connection

from argosy.store import declarations, leases
from argosy.store.store import Store

AGE = timedelta(days=1)
"""How long nothing was written to what counts as left behind: longer than any living process pauses in a write."""
_BUNDLE = re.compile(r"\.[0-9a-f]{64}\.[a-z0-9_]{8}")
_SEGMENT = re.compile(r"\.[0-9]{13}-[0-9]{6,}-[0-9]+-[0-9a-f]{8}\.arrow\.part")
_SET = re.compile(r"[0-9a-f]{32}")
_SET_BEGUN = re.compile(r"\.[0-9a-f]{32}\.[a-z0-9_]{8}")


class Leftover(msgspec.Struct, frozen=True):
    """A file or folder that nobody will finish or use, and how large it is."""

    path: Path
    bytes: int


def find(store: Store, now: datetime) -> list[Leftover]:
    """What was left behind in a home: unfinished writes, and training sets of fleets that are no longer declared.

    `now` is the machine's own time, as files bear it. What was written to within `AGE` is left out, and so are the sets
    of a fleet that somebody works on, or that this home never declared.
    """
    with store.read() as conn:
        ours = declarations.names(conn, "fleet")
        in_use = _fleets(conn, now)
    found = []
    for path in sorted({*_unfinished(store, ours), *_sets(store, ours - in_use)}):
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


def _unfinished(store: Store, fleets: Iterable[str]) -> Iterator[Path]:
    root = store.blobs.root.parent
    yield from (path for path in store.blobs.drafts() if _is(path, stat.S_ISREG))
    yield from _within(root / "bundles", _BUNDLE, stat.S_ISDIR)
    for fleet in fleets:
        yield from _within(root / "segments" / fleet, _SEGMENT, stat.S_ISREG)
        yield from _within(root / "sets" / fleet, _SET_BEGUN, stat.S_ISDIR)


def _sets(store: Store, fleets: Iterable[str]) -> Iterator[Path]:
    for fleet in fleets:
        whole = _within(store.blobs.root.parent / "sets" / fleet, _SET, stat.S_ISDIR)
        yield from (path for path in whole if _is(path / "set.json", stat.S_ISREG))


def _within(folder: Path, name: re.Pattern[str], kind: Callable[[int], bool]) -> Iterator[Path]:
    return (path for path in folder.glob("*") if name.fullmatch(path.name) and _is(path, kind))


def _is(path: Path, kind: Callable[[int], bool]) -> bool:
    """Whether it is of this kind itself, not by a link; what cannot be looked at is not."""
    try:
        return kind(path.lstat().st_mode)
    except OSError:
        return False


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
