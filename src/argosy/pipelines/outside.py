"""Files and directories outside of the store: what they hold, and whether they were changed."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from argosy.errors import InputError
from argosy.pipelines.piece import Outside

_CHUNK = 1 << 20
_MOST = 100_000


def read(path: str) -> Outside:
    """A file or directory by its content: the paths within and what each holds.

    Raises `InputError` if it is not there, or is or holds what has no content that stays: a device, a pipe, a socket.
    Times and owners do not count; links are followed.
    """
    found = hashlib.sha256()
    try:
        before = state(path)
        for file in _files(path):
            found.update(f"{file.relative_to(path).as_posix()}\0".encode())
            with file.open("rb") as opened:
                digest = hashlib.sha256()
                while chunk := opened.read(_CHUNK):
                    digest.update(chunk)
            found.update(digest.digest())
    except OSError as error:
        raise InputError(
            f"{path} cannot be read: {error.strerror}", next="name a file or directory that is there"
        ) from error
    return Outside(path, found.hexdigest(), before)


def state(path: str) -> str:
    """What changes with the content: paths, sizes, and times of their last change, as one hash.

    Raises `OSError`, and `InputError` for what is no file.
    """
    found = hashlib.sha256()
    for file in _files(path):
        status = file.stat()
        if not stat.S_ISREG(status.st_mode):
            raise InputError(
                f"{file} is a device, a pipe or a socket", next="write what it gives to a file, and name that"
            )
        found.update(f"{file}\0{status.st_ino}\0{status.st_size}\0{status.st_mtime_ns}\0".encode())
    return found.hexdigest()


def _files(path: str) -> Iterator[Path]:
    """The file, or those below the directory, in order; a link that leads back to a directory above it is left out."""
    root = Path(path)
    if not root.is_dir():
        yield root
        return
    found = []
    seen: dict[str, frozenset[str]] = {str(root): frozenset({os.path.realpath(root)})}
    for folder, folders, names in os.walk(root, followlinks=True):
        above = seen.pop(folder)
        real = {name: os.path.realpath(os.path.join(folder, name)) for name in folders}
        folders[:] = [name for name in folders if real[name] not in above]
        seen |= {os.path.join(folder, name): above | {real[name]} for name in folders}
        found += [Path(folder, name) for name in names]
        if len(found) > _MOST:
            raise InputError(f"{path} holds more than {_MOST:,} files", next="pass them as a dataset, or as an archive")
    yield from sorted(found)
