"""Inventories: the files in a project's directory that may be a part of its code."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from argosy.errors import DeclarationError
from argosy.spec import git

BYTES = 64 * 2**20
"""Bytes of all files that a project's code consists of."""

_MOST = 200_000  # files of a directory; to list as many takes a second or so
_FOREIGN = {"__pycache__", "node_modules", "site-packages", "dist-packages"}
_MARKS = {"pyvenv.cfg", "argosy.db"}  # of an environment, and of a home: its bundles are other versions of the code
_SECRET = re.compile(
    r"credential|secret|password|(?<![a-z])tokens?(?![a-z])|^id_(rsa|dsa|ecdsa|ed25519)"
    r"|\.(env|jks|key|keystore|p12|pem|pfx)$",
    re.IGNORECASE,
)


class Inventory:
    """What directories hold: each is listed once, and each file read once, whatever becomes of it meanwhile.

    A file is a part of the code only if git has it or would add it; where git knows nothing of a directory, any file
    is. Neither are hidden files, environments, installed packages and homes, nor files other than modules whose names,
    or those of their folders, say that they are secret. Links to directories are not followed.
    """

    def __init__(self) -> None:
        self._listed: dict[Path, frozenset[str]] = {}
        self._read: dict[Path, bytes] = {}
        self._bytes = 0

    def files(self, root: Path) -> frozenset[str]:
        """The files of a directory, by their paths from it. Raises DeclarationError where there are too many."""
        if root not in self._listed:
            self._listed[root] = frozenset(_own(_listed(root)))
        return self._listed[root]

    def read(self, path: Path) -> bytes:
        """What a file held when it was first asked for.

        Raises DeclarationError where it cannot be read, and where all that was read is more than `BYTES`.
        """
        if path not in self._read:
            try:
                data = path.read_bytes()
            except OSError as error:
                raise DeclarationError(
                    f"{path} is a part of the project's code and cannot be read: {error.strerror}",
                    next="make it readable, or remove it; then do the same again",
                ) from error
            self._bytes += len(data)
            if self._bytes > BYTES:
                raise DeclarationError(
                    f"the files that the project's code consists of are larger than {BYTES:,} bytes, with {path}",
                    next="declare what holds rows as a dataset, or move it out of the project's directory",
                )
            self._read[path] = data
        return self._read[path]


def _listed(root: Path) -> list[str]:
    """All files that git has or would add; where it knows of none, all that a walk finds."""
    printed = git.ask(root, "ls-files", "-z", "--cached", "--others", "--exclude-standard") or ""
    found: list[str] = []
    for name in sorted({name.rstrip("/") for name in printed.split("\0") if name}):
        if not os.path.isdir(root / name):
            found.append(name)
        elif not os.path.islink(root / name):  # another repository
            found += [f"{name}/{inner}" for inner in _listed(root / name)]
    return found or list(_walked(root))


def _walked(root: Path) -> Iterator[str]:
    count = 0
    for folder, folders, files in os.walk(root):
        inner = Path(folder).relative_to(root)
        if inner.parts and (not _MARKS.isdisjoint(files) or "conda-meta" in folders):
            folders.clear()
            continue
        folders[:] = [name for name in folders if not _foreign(name)]
        count += len(files)
        if count > _MOST:
            raise DeclarationError(
                f"the directory {root} holds more than {_MOST:,} files",
                next="move the project into a directory of its own, or put it under git and let that ignore the others",
            )
        yield from ((inner / name).as_posix() for name in files)


def _own(names: Iterable[str]) -> Iterator[str]:
    parted = [(name, name.split("/")) for name in names]
    environments = {tuple(parts[:-1]) for _, parts in parted if parts[-1] in _MARKS} - {()}
    for name, parts in parted:
        within = (tuple(parts[:depth]) in environments for depth in range(1, len(parts)))
        secret = not name.endswith(".py") and any(map(_SECRET.search, parts))
        if not secret and not any(map(_foreign, parts)) and not any(within):
            yield name


def _foreign(part: str) -> bool:
    return part.startswith(".") or part in _FOREIGN
