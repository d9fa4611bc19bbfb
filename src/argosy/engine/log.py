"""What a task writes: to standard output and error, by itself, its libraries or its children, and to `logging`.

Standard library only: workers import this before anything else of the project.
"""

from __future__ import annotations

import contextlib
import ctypes
import logging
import os
import re
import sys

LIMIT = 64 << 20
"""Bytes that a task may write; beyond, it is killed."""

_KEPT = 1 << 20
_HEAD = 256 << 10
_GAP = re.compile(rb"\n\[(\d+) bytes left out\]\n")
_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


class Log:
    """Turns what this process writes to a file, and takes from there what is new."""

    def __init__(self) -> None:
        self._libc = ctypes.CDLL(None)
        self._path: str | None = None
        self._usual: tuple[int, int] = (-1, -1)
        self._level = logging.NOTSET
        self._records: logging.Handler | None = None

    def turn(self, path: str | None) -> None:
        """Write to the file from now on; without one, to where the process wrote at first."""
        if path == self._path:
            return
        self.flush()
        if self._path is None:
            self._usual = os.dup(1), os.dup(2)
            self._listen()
        if path is None:
            for usual, descriptor in zip(self._usual, (1, 2), strict=True):
                os.dup2(usual, descriptor)
                os.close(usual)
            self._hush()
        else:
            file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
            os.dup2(file, 1)
            os.dup2(file, 2)
            os.close(file)
        self._path = path

    def take(self) -> tuple[int, bytes]:
        """How many bytes were written since the last call, and those of them that are kept. Empties the file."""
        if self._path is None:
            return 0, b""
        self.flush()
        size = os.fstat(1).st_size
        if not size:
            return 0, b""
        kept = _clip(1, size)
        os.ftruncate(1, 0)
        return size, kept

    def flush(self) -> None:
        """Write out what buffers hold."""
        with contextlib.suppress(Exception):  # a task may have closed or replaced them
            sys.stdout.flush()
            sys.stderr.flush()
        self._libc.fflush(None)

    def _listen(self) -> None:
        with contextlib.suppress(Exception):
            sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
        self._records = logging.StreamHandler()
        self._records.setFormatter(logging.Formatter(_FORMAT))
        root = logging.getLogger()
        root.addHandler(self._records)
        self._level = root.level
        root.setLevel(logging.INFO)

    def _hush(self) -> None:
        root = logging.getLogger()
        if self._records:
            root.removeHandler(self._records)
        root.setLevel(self._level)


def size(path: str | os.PathLike[str]) -> int:
    """The bytes of a log file; 0 if there is none."""
    try:
        return os.stat(path).st_size
    except FileNotFoundError:
        return 0


def read(path: str | os.PathLike[str]) -> bytes:
    """What is kept of a log file; nothing if there is none."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return b""
    try:
        return _clip(file, os.fstat(file).st_size)
    finally:
        os.close(file)


def tail(path: str | os.PathLike[str], most: int) -> tuple[int, bytes]:
    """The bytes of a log file, and the last of them, at most so many; none if there is no file."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return 0, b""
    try:
        written = os.fstat(file).st_size
        return written, os.pread(file, most, max(0, written - most))
    finally:
        os.close(file)


def lost(kept: bytes) -> int:
    """How many bytes were left out of what is kept of a log."""
    gap = _GAP.match(kept, _HEAD)
    return int(gap[1]) if gap is not None else 0


def after(kept: bytes, place: int) -> bytes:
    """What is kept of a log from its byte `place` on; where that was left out, from the line that tells of the gap."""
    gap = _GAP.match(kept, _HEAD)
    if gap is None or place <= _HEAD:
        return kept[place:]
    behind = place - _HEAD - int(gap[1])
    return kept[gap.end() + behind if behind >= 0 else gap.start() :]


def _clip(file: int, size: int) -> bytes:
    """All of it up to 1 MiB, else its beginning and its end with a line in between that says what is left out."""
    if size <= _KEPT:
        return os.pread(file, size, 0)
    line = b"\n[%d bytes left out]\n"
    tail = _KEPT - _HEAD - len(line % size)
    return os.pread(file, _HEAD, 0) + line % (size - _HEAD - tail) + os.pread(file, tail, size - tail)
