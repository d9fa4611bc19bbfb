"""Directories that commands write: whole or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from argosy.errors import ConflictError, InputError


def write(path: Path, files: Mapping[str, bytes], mark: str, *, replace: bool) -> None:
    """Write the directory `path` with files by their paths in it; an error leaves what was there.

    Raises InputError where the directory above is not there; ConflictError where `path` is and may not be replaced, or
    holds no file `mark` and is none that such a command wrote.
    """
    if not path.parent.is_dir():
        raise InputError(f"there is no directory {path.parent} to write {path.name} to", next=f"mkdir -p {path.parent}")
    if path.exists() and not replace:
        raise ConflictError(f"{path} is there already", next="name another directory, or replace it with --force")
    if path.exists() and not (path / mark).is_file():
        raise ConflictError(f"{path} is no bundle: it holds no {mark}", next="name another directory, or move it away")
    partial, old = (path.with_name(f".{path.name}.{os.getpid()}.{part}") for part in ("partial", "old"))
    partial.mkdir()
    try:
        for name, data in files.items():
            (partial / name).parent.mkdir(exist_ok=True)
            (partial / name).write_bytes(data)
        if path.exists():
            path.rename(old)
        partial.rename(path)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)
