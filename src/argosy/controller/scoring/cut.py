"""Cutting rows into chunks."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

_ROWS, _VALUES = 500_000, 40_000_000


def size(columns: int) -> int:
    """The rows of a chunk that has so many columns: half a million, or fewer where they are wide."""
    return max(1, min(_ROWS, _VALUES // max(columns, 1)))


def cut(rows: pl.LazyFrame, size: int) -> Iterator[pl.DataFrame]:
    """The rows in their order, `size` at a time, the last ones fewer, however they are read."""
    held: list[pl.DataFrame] = []
    room = size
    for batch in rows.collect_batches(chunk_size=size, maintain_order=True, lazy=True):
        start = 0
        while start < batch.height:
            taken = batch.slice(start, room)
            held.append(taken)
            start, room = start + taken.height, room - taken.height
            if not room:
                yield pl.concat(held)
                held, room = [], size
    if held:
        yield pl.concat(held)
