"""Files that commands write: of a known kind, in a directory that is there, whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from argosy.errors import ConflictError, InputError, UsageError


@contextmanager
def whole(path: Path, kinds: Collection[str], *, replace: bool) -> Iterator[Path]:
    """Where to write what becomes the file `path` at the end; an error leaves `path` as it was. Raises as `check`."""
    check(path, kinds, replace=replace)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def check(path: Path, kinds: Collection[str], *, replace: bool) -> None:
    """Raise UsageError for an ending that is none of `kinds`, if any are given.

    InputError where the directory is not there, ConflictError where the file is and may not be replaced.
    """
    if kinds and path.suffix.lower() not in kinds:
        raise UsageError(f"{path} is of no known kind", next=f"name a file that ends in {', '.join(kinds)}")
    if not path.parent.is_dir():
        raise InputError(f"there is no directory {path.parent} to write {path.name} to", next=f"mkdir -p {path.parent}")
    if path.exists() and not replace:
        raise ConflictError(f"{path} is there already", next="name another file, or replace it with --force")
