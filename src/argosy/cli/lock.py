"""The lock of `argosy up`: which processes keep a home up on this machine, since when, and where.

Each holds a file of its own in the home's directory `up`, below the name of its directory of blobs: homes on PostgreSQL
may have theirs side by side. The system lets the file go when its process ends, however it ends, so what a killed one
left behind is never believed; whoever looks next clears it away.
"""

from __future__ import annotations

import fcntl
import os
import socket
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

import msgspec

from argosy.errors import ConflictError
from argosy.store import Store

_FOLDER, _GUARD = "up", ".lock"


class Up(msgspec.Struct, frozen=True):
    """An `argosy up`: its process, since when, and the URL of its console, without the token; "" while it starts."""

    pid: int
    since: datetime
    url: str = ""

    def __str__(self) -> str:
        place = self.url or "a port that it is choosing"
        return f"since {self.since:%Y-%m-%d %H:%M} UTC at {place} (process {self.pid})"


class Lock:
    """Held while the home of a store is kept up; `beside` says that another one may be up too.

    Entering it raises ConflictError where one is and none may be; `others` are those that are.
    """

    def __init__(self, store: Store, since: datetime, *, beside: bool) -> None:
        self.others: tuple[Up, ...] = ()
        self._folder = _folder(store)
        self._path = (
            self._folder / f"{_machine()}.{uuid.uuid4().hex}"
        )  # containers may share machine name and process id
        self._up = Up(os.getpid(), since)
        self._beside = beside
        self._file: BinaryIO | None = None

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        with _alone(self._folder):
            self.others = _living(self._folder)
            if self.others and not self._beside:
                raise ConflictError(
                    f"this home is up already, {self.others[0]}",
                    next="open that one, or stop it first; argosy up --port PORT starts another one beside it",
                )
            self._file = self._path.open("xb")
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._write(self._file)
        return self

    def tell(self, url: str) -> None:
        """Say where it is."""
        self._up = msgspec.structs.replace(self._up, url=url)
        assert self._file is not None
        with _alone(self._folder):
            self._write(self._file)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._file is not None
        with _alone(self._folder):
            self._path.unlink(missing_ok=True)
            self._file.close()

    def _write(self, file: BinaryIO) -> None:
        file.seek(0)
        file.truncate()
        file.write(msgspec.json.encode(self._up))
        file.flush()


def holders(store: Store) -> tuple[Up, ...]:
    """Every `argosy up` that keeps the home of a store up on this machine, the first one first."""
    folder = _folder(store)
    if not folder.is_dir():
        return ()
    with _alone(folder):
        return _living(folder)


def _living(folder: Path) -> tuple[Up, ...]:
    """Who holds a file; one that nobody holds is of a process that was killed."""
    found = []
    for path in folder.iterdir():
        if path.stem != _machine():
            continue
        with path.open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                found.append(msgspec.json.decode(file.read(), type=Up))
            else:
                path.unlink()
    return tuple(sorted(found, key=lambda up: (up.since, up.pid)))


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One process at a time looks at the folder, or changes it.

    It holds a file that is open for writing: over NFS no other is locked, and no directory is.
    """
    with (folder / _GUARD).open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _folder(store: Store) -> Path:
    return store.blobs.root.parent / _FOLDER / store.blobs.root.name


def _machine() -> str:
    """The machine's name: a directory that several machines see has one lock for each."""
    return socket.gethostname()
