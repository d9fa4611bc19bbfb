"""CSV files of any size: read by blocks of whole records, as one that fits into memory is read at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import polars as pl
from polars.io.plugins import register_io_source

from argosy.data import dtype
from argosy.errors import ConflictError

BLOCK = 64 << 20
"""Bytes that are read at a time."""

Schema = Mapping[str, pl.DataType]
Parse = Callable[[bytes, int, Schema], pl.DataFrame]
"""Reads text that begins with the header; given how many lines were left out behind it, and types of columns."""


def scan(path: Path, parse: Parse, size: int = BLOCK) -> tuple[pl.LazyFrame, bool]:
    """The rows of a file, and whether they are read anew, by blocks, each time: then it is larger than one.

    A column has the type that holds what all blocks make of it, else it is text. Raises what `parse` raises.
    """
    blocks = iter(_blocks(path, size))
    text, _ = next(blocks)
    first = parse(text, 0, {})
    types, count, large = dict(first.schema), first.height, False
    for text, skipped in blocks:
        rows, large = parse(text, skipped, {}), True
        count += rows.height
        types = {name: dtype.wider(types[name], kind) or pl.String() for name, kind in rows.schema.items()}
    if not large:
        return first.lazy(), False

    def read(
        columns: list[str] | None, predicate: pl.Expr | None, limit: int | None, batch: int | None
    ) -> Iterator[pl.DataFrame]:
        left = count if limit is None else min(limit, count)
        whole = left == count
        for text, skipped in _blocks(path, size):
            rows = parse(text, skipped, types).cast(types).head(left)  # type: ignore[arg-type]
            left -= rows.height
            rows = rows if columns is None else rows.select(columns)
            yield rows if predicate is None else rows.filter(predicate)
            if not left and not whole:
                return
        if left:
            raise ConflictError(f"{path} changed while it was read", next="run it again")

    return register_io_source(read, schema=types, is_pure=True), True


def _blocks(path: Path, size: int) -> Iterator[tuple[bytes, int]]:
    """The text by blocks of whole records, each behind the header, and the lines between that and the block's first."""
    with path.open("rb") as file:
        head, rest, skipped = file.readline(), b"", 0
        while data := file.read(size):
            data = rest + data
            end = _end(data)
            rest = data[end:]
            if end:
                yield head + data[:end], skipped
                skipped += data.count(b"\n", 0, end)
        if rest or not skipped:
            yield head + rest, skipped


def _end(data: bytes) -> int:
    """Where the last record that is whole ends: behind a line that does not end within quotes. 0 if there is none."""
    end, quotes = len(data), data.count(b'"')
    while (line := data.rfind(b"\n", 0, end)) >= 0:
        quotes -= data.count(b'"', line, end)
        if quotes % 2 == 0:
            return line + 1
        end = line
    return 0
