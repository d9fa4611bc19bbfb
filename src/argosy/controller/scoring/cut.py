"""Cutting rows into chunks."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl
from polars import selectors

_ROWS, _BYTES, _SAMPLE = 500_000, 64 << 20, 1_000
_VALUE = 8


def size(rows: pl.LazyFrame) -> int:
    """The rows of a chunk: half a million, or as many as take 64 MB if all take what the first thousand do."""
    first = rows.head(_SAMPLE).collect()
    texts = sum(int(each.str.len_bytes().sum()) for each in first.select(selectors.string()))
    rest = int(first.select(~selectors.string()).estimated_size())
    least = _VALUE * max(first.width, 1)  # what each value takes in the matrix
    return max(1, min(_ROWS, _BYTES // (least + (texts + rest) // max(first.height, 1))))


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
