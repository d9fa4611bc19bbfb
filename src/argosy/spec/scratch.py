"""A folder for the files that a step makes: it lasts until what the step gave is saved.

It is here, though it touches the disk, as steps ask for it by the vocabulary of projects, which loads nothing else.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import uuid
from contextvars import ContextVar, Token
from pathlib import Path
from typing import ClassVar


class Scratch:
    """As a context: where the folders lie that are asked for meanwhile; what is in them is gone when it ends.

    It has a place on disk only once that is asked for. Threads that are started meanwhile have the same.
    """

    __slots__ = ("_outer", "_path", "_token")
    _current: ClassVar[Scratch | None] = None

    def __init__(self) -> None:
        self._path: Path | None = None
        self._token: Token[Scratch | None] | None = None

    def path(self) -> Path:
        """The folder of all folders; whoever writes there makes it."""
        if self._path is None:
            self._path = Path(tempfile.gettempdir(), f"argosy-{uuid.uuid4().hex}")
        return self._path

    def __enter__(self) -> Scratch:
        self._token = _place.set(self)
        self._outer, Scratch._current = Scratch._current, self
        return self

    def __exit__(self, *_: object) -> None:
        assert self._token is not None
        _place.reset(self._token)
        Scratch._current = self._outer
        if self._path is not None:
            with contextlib.suppress(FileNotFoundError):
                shutil.rmtree(self._path)

    @classmethod
    def current(cls) -> Scratch | None:
        """That of this context; in a thread that a step started, which has none, that of the process's one step."""
        return _place.get() or cls._current


_place: ContextVar[Scratch | None] = ContextVar("argosy_scratch", default=None)


def scratch() -> Path:
    """A new, empty folder. In a run it is removed once the step's outputs are saved; elsewhere it is the caller's.

    A step that gives a file or a directory writes it there: `path = ag.scratch() / "scores.csv"`.
    """
    place = Scratch.current()
    if place is None:
        return Path(tempfile.mkdtemp(prefix="argosy-"))
    found = place.path() / uuid.uuid4().hex
    found.mkdir(parents=True, mode=0o700)
    return found
