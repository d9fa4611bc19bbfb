"""A folder for the files that a step makes: it lasts until what the step gave is saved."""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

_place: ContextVar[Path | None] = ContextVar("argosy_scratch", default=None)


def scratch() -> Path:
    """A new, empty folder. In a run it is removed once the step's outputs are saved; elsewhere it is the caller's.

    A step that gives a file or a directory writes it there: `path = ag.scratch() / "scores.csv"`.
    """
    place = _place.get()
    if place is None:
        return Path(tempfile.mkdtemp(prefix="argosy-"))
    found = place / uuid.uuid4().hex
    found.mkdir(parents=True, mode=0o700)
    return found


@contextmanager
def within(place: Path) -> Iterator[None]:
    """Folders that are asked for meanwhile lie in `place`, which whoever calls this removes."""
    token = _place.set(place)
    try:
        yield
    finally:
        _place.reset(token)
