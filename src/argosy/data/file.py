"""Files as sources: what is there, what of it is new, and its rows."""

from __future__ import annotations

import glob
import hashlib
import io
import os
import stat
from collections.abc import Container, Mapping
from pathlib import Path

import msgspec
import polars as pl

from argosy.data import csv, load
from argosy.data.load import Load
from argosy.errors import ConflictError, InputError
from argosy.spec.source import Csv, Parquet
from argosy.store.mask import Tags


class File(msgspec.Struct, frozen=True):
    """A file as it was listed: its path relative to the project, and what tells a change."""

    path: str
    bytes: int
    changed: int

    @property
    def key(self) -> str:
        """The key under which this state of the file is remembered."""
        return f"file:{self.path}:{self.bytes}:{self.changed}"


def listed(pattern: str, root: Path) -> list[File]:
    """The files that match a glob below `root`, by path. A file that goes away meanwhile is left out."""
    found, above = [], f"{root}{os.sep}"
    for path in sorted(glob.glob(pattern, root_dir=root, recursive=True)):
        try:
            state = os.stat(path if path[0] == os.sep else above + path)
        except FileNotFoundError:
            continue
        if stat.S_ISREG(state.st_mode):
            found.append(File(path, state.st_size, state.st_mtime_ns))
    return found


def unmatched(pattern: str, root: Path) -> tuple[str, str]:
    """What is wrong with a glob below `root` that was found to match no file, and what to do."""
    place = root / pattern
    if place.is_dir():
        return f"{place} is a directory, no file", f"name the files in it: {pattern.rstrip('/')}/*.parquet, or *.csv"
    if not Path(pattern).is_absolute() and not root.is_dir():
        return f"the project's directory {root} is not there", "apply the project from where it lies now"
    where = "" if Path(pattern).is_absolute() else f" in {root}"
    return f"{pattern} matches no file{where}", "put files there, or mend the path of its source and apply that"


def content_key(file: File, digest: str) -> str:
    """The key under which a content of the file is remembered, however often it is touched."""
    return f"content:{file.path}:{digest}"


def read(file: File, root: Path) -> tuple[bytes, str]:
    """The file's bytes and their SHA-256; raises `ConflictError` if it is not as it was listed."""
    path = root / file.path
    try:
        data = path.read_bytes()
        state = path.stat()
    except FileNotFoundError:
        raise _moved(file) from None
    if (len(data), state.st_size, state.st_mtime_ns) != (file.bytes, file.bytes, file.changed):
        raise _moved(file)
    return data, hashlib.sha256(data).hexdigest()


def parsed(
    file: File,
    data: bytes,
    digest: str,
    source: Parquet | Csv,
    expected: Mapping[str, pl.DataType],
    dates: Container[str],
    tags: Tags,
) -> Load:
    """The rows of a file, its times in UTC. Raises `InputError` that says which line is wrong, but no value that is
    tagged."""
    if not data:
        raise InputError(f"{file.path} is empty", next="write it again, with a header at least, or remove it")
    keys = (file.key, content_key(file, digest))
    reference = f"{file.path}#{digest[:12]}"
    if isinstance(source, Csv):
        rows, naive, zoned = csv.parse(data, file.path, source, expected, dates, tags)
        given = Load(file.path, "file", reference, keys, rows, naive, zoned)
        return load.settled(given, source.zone, dates, tags)
    try:
        rows = pl.read_parquet(io.BytesIO(data), hive_partitioning=False)
    except pl.exceptions.PolarsError as error:
        raise InputError(
            f"{file.path} is no Parquet file: {str(error).splitlines()[0]}", next="write it again, or remove it"
        ) from error
    return load.settled(Load(file.path, "file", reference, keys, rows), "UTC", dates, tags)


def _moved(file: File) -> ConflictError:
    return ConflictError(
        f"{file.path} changed while it was read",
        next="write to another name and rename when it is whole; it is retried",
    )
