"""A directory of scored chunks, each under the content address of what it was made of."""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl

from argosy.errors import ConflictError
from argosy.store.blobs import room

_OURS = re.compile(r"\d{6}-[0-9a-f]{32}\.parquet|\.[0-9a-f]{32}\.rows|\.(\d{6}-)?[0-9a-f]{32}\.(parquet|rows)\.partial")
_SHOWN = 32
_LOCK = ".lock"


class Shelf:
    """Chunks as Parquet files. One appears whole or not at all, so whoever comes after a crash goes on."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @contextmanager
    def held(self) -> Iterator[None]:
        """Nobody else works here meanwhile; raises ConflictError where somebody does."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / _LOCK).open("ab") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise ConflictError(
                    f"somebody else writes predictions to {self.folder} now", next="wait for them, or write elsewhere"
                ) from None
            yield

    def path(self, number: int, address: str) -> Path:
        """Where the chunk of a number and an address lies, if it is there."""
        return self.folder / f"{number:06d}-{address[:_SHOWN]}.parquet"

    def put(self, path: Path, rows: pl.DataFrame) -> None:
        """Keep a chunk. Raises CapacityError where the disk is full."""
        self._write(path, lambda partial: rows.write_parquet(partial, compression="lz4"))

    def spool(self, content: str, rows: pl.LazyFrame) -> pl.LazyFrame:
        """Rows as they came the first time, read from a file here."""
        path = self.folder / f".{content[:_SHOWN]}.rows"
        if not path.exists():
            self._write(path, lambda partial: rows.sink_parquet(partial, compression="lz4"))
        return pl.scan_parquet(path, glob=False)

    def _write(self, path: Path, write: Callable[[Path], object]) -> None:
        partial = self.folder / f".{path.name.lstrip('.')}.partial"
        try:
            with room(str(path)):
                write(partial)
                with partial.open("rb") as file:
                    os.fsync(file.fileno())
                partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)

    def leave(self, chunks: Iterable[Path]) -> None:
        """Remove all that was put here but some chunks, and nothing else."""
        kept = {path.name for path in chunks}
        for path in self.folder.iterdir():
            if _OURS.fullmatch(path.name) and path.name not in kept:
                path.unlink()
