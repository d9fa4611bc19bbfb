"""Files on this machine's disk, below directories that were named: never above them, through no link out of them."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit

from argosy.errors import InputError
from argosy.protocols.mlflow.importing.source import ElsewhereError, File

_CHUNK = 1 << 20


class Disk:
    """Directories whose files may be read; `roots` are those."""

    def __init__(self, roots: Sequence[Path]) -> None:
        self._roots = [Path(os.path.realpath(root)) for root in roots]

    def folder(self, location: str) -> Path | None:
        """The directory that a location names; None where it names none on a disk. Raises ElsewhereError."""
        parts = urlsplit(location)
        if parts.scheme not in ("", "file") or parts.netloc not in ("", "localhost"):
            return None
        path = Path(unquote(parts.path) if parts.scheme else location)
        if not self.holds(path):
            raise ElsewhereError(
                f"{location[:300]!r} lies on a disk, below none of the directories that may be read",
                next="name the directory with --artifact-root, where this machine has it",
            )
        return path

    def holds(self, path: Path) -> bool:
        """Whether a path leads below one of the roots, links followed."""
        real = Path(os.path.realpath(path))
        return any(real == root or real.is_relative_to(root) for root in self._roots)

    def size(self, path: Path) -> int:
        """The bytes of a file. Raises InputError for what is none: who reads a pipe or a device may wait for ever."""
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise InputError(f"{path} is no file", next="remove it: it is a pipe, a device or the like")
        return found.st_size

    def files(self, folder: Path) -> Iterator[File]:
        """The files below a folder that is below a root; none where there is no such folder."""
        for base, folders, names in os.walk(folder):
            folders.sort()
            for name in sorted(names):
                path = Path(base, name)
                yield File(path.relative_to(folder).as_posix(), None, str(path))

    def read(self, file: File) -> Iterator[bytes]:
        """The bytes of a file. Raises ElsewhereError for one that is a link to elsewhere, InputError for none."""
        if not self.holds(Path(file.place)):
            raise ElsewhereError(f"{file.place!r} is a link out of where it lies", next="copy what it points at")
        self.size(Path(file.place))
        with open(file.place, "rb") as source:
            while chunk := source.read(_CHUNK):
                yield chunk
