"""Files of any size: read by blocks of whole records, as one that fits into memory is read at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import polars as pl
from polars.io.plugins import register_io_source

from argosy.data import dtype
from argosy.errors import ConflictError, InputError

BLOCK = 4 << 20
"""Bytes that are read at a time."""
RECORD = 16 * BLOCK
"""Bytes of one record, about at most."""

Block = tuple[bytes, int]
"""Text of whole records, and how many lines or records of the file it leaves out before them."""
Schema = Mapping[str, pl.DataType]
Parse = Callable[[bytes, int, Schema], pl.DataFrame]
"""Reads a block; given no types, it finds them, else its rows have these columns in types that can be cast to them."""


def scan(path: Path, blocks: Callable[[], Iterator[Block]], parse: Parse) -> tuple[pl.LazyFrame, bool]:
    """The rows of a file, and whether they are read anew, by blocks, each time: then it is larger than one.

    A column has the type that holds what all blocks make of it, else it is text. Raises what `blocks` and `parse`
    raise.
    """
    types: dict[str, pl.DataType] = {}
    first, count, large = pl.DataFrame(), 0, False
    for number, (text, skipped) in enumerate(blocks()):
        rows = parse(text, skipped, {})
        count, first, large = count + rows.height, rows if not number else first.clear(), number > 0
        for name, kind in rows.schema.items():
            types[name] = dtype.wider(types.get(name, pl.Null()), kind) or pl.String()
    if not large:
        return first.lazy(), False

    def read(
        columns: list[str] | None, predicate: pl.Expr | None, limit: int | None, batch: int | None
    ) -> Iterator[pl.DataFrame]:
        left = count if limit is None else min(limit, count)
        whole = left == count
        for text, skipped in blocks():
            rows = parse(text, skipped, types).cast(types).head(left)  # type: ignore[arg-type]
            left -= rows.height
            rows = rows if columns is None else rows.select(columns)
            yield rows if predicate is None else rows.filter(predicate)
            if not left and not whole:
                return
        if left:
            raise ConflictError(f"{path} changed while it was read", next="run it again")

    return register_io_source(read, schema=types, is_pure=True), True


def whole(path: Path, start: int, size: int, end: Callable[[bytes], int]) -> Iterator[Block]:
    """The text of a file from byte `start` on by blocks of whole records, and the lines before each.

    `end` tells where the last record of some text that is whole ends, 0 where none is; what is left at the end of the
    file is a block, too. Raises InputError for a record of more than `RECORD` bytes.
    """
    with path.open("rb") as file:
        file.seek(start)
        rest, skipped = b"", 0
        while fresh := file.read(size):
            data = rest + fresh
            at = end(data) if len(fresh) == size else len(data)
            rest = data[at:]
            if at:
                yield data[:at], skipped
                skipped += data.count(b"\n", 0, at)
            elif len(rest) > RECORD:
                raise endless(path, f"what follows {skipped + (start > 0):,} lines")
        if rest:
            yield rest, skipped


def endless(path: Path, which: str) -> InputError:
    """The error of a record that does not end."""
    return InputError(
        f"{path}: {which} does not end within {RECORD >> 20} MB", next="close its quotes and brackets"
    )  # fmt: skip
