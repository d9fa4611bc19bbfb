"""Segments: the rows that versions answered, or failed on, as frames."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from itertools import chain
from typing import Any

import msgspec
import numpy as np
import polars as pl

from argosy.model.signature import Feature, Signature
from argosy.serving.doubles import matrix

META: dict[str, pl.DataType] = {
    "row_key": pl.String(),
    "member": pl.String(),
    "at": pl.Int64(),
    "request_id": pl.String(),
    "version": pl.String(),
    "route": pl.String(),
    "prediction": pl.Float64(),
    "stale": pl.Boolean(),
    "latency_us": pl.Int64(),
    "flags": pl.String(),
}
ONE_IN = "one_in"
"""The column that says of how many rows like it a row was drawn: 1 where all were kept."""
_KINDS: dict[str, pl.DataType] = {"number": pl.Float64(), "category": pl.String(), "boolean": pl.Boolean()}
Line = tuple[Any, ...]
"""A row: the values of `META`, then those of its features; or these as one, their `doubles`, in a stream of numbers."""
Block = Sequence[Sequence[Any]]
"""Rows as columns: the same, of many."""


class Stream(msgspec.Struct, frozen=True, eq=False, dict=True):
    """Rows of one fleet and one signature: they share their columns, so they share segments. Hold it: it is the key.

    Rows that their version failed on have no signature and no features: their `prediction` is null. Features that are
    `redacted` are not recorded.
    """

    fleet: str
    signature: Signature | None
    redacted: frozenset[str] = frozenset()

    @cached_property
    def features(self) -> tuple[Feature, ...]:
        """The features that are recorded."""
        every = self.signature.features if self.signature is not None else ()
        return tuple(feature for feature in every if feature.name not in self.redacted)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Their names."""
        return tuple(feature.name for feature in self.features)

    @cached_property
    def numeric(self) -> bool:
        """Whether it records every feature of its signature, and each is a number."""
        return self.signature is not None and self.signature.numeric and self.features == self.signature.features

    @cached_property
    def schema(self) -> dict[str, pl.DataType]:
        """Columns of its rows: `META`, then each feature (as `feature.<name>` where the name is taken)."""
        taken = {*META, ONE_IN}
        named = {f"feature.{each.name}" if each.name in taken else each.name: each for each in self.features}
        return META | {name: _KINDS[each.kind] for name, each in named.items()}


class Buffer(msgspec.Struct):
    """Rows of one stream that wait to be written: some as lines, others in columns as they came."""

    lines: list[Line] = []
    blocks: list[Block] = []

    @property
    def rows(self) -> int:
        """How many."""
        return len(self.lines) + sum(len(block[0]) for block in self.blocks)

    def add(self, other: Buffer) -> None:
        """Take the rows of another, after those that are here."""
        self.lines += other.lines
        self.blocks += other.blocks


def is_packed(row: Block) -> bool:
    """Whether the features of a line or a block are `doubles`."""
    return type(row[-1]) is bytes


def some(block: Block, places: Sequence[int]) -> Block:
    """Some rows of a block."""
    packed = is_packed(block)
    found: list[Sequence[Any]] = [[values[i] for i in places] for values in (block[:-1] if packed else block)]
    return [*found, matrix(block[-1], len(block[0]))[:, places].tobytes()] if packed else found  # type: ignore[arg-type]


def segment(stream: Stream, rows: Buffer, one_in: int = 1) -> pl.DataFrame:
    """Rows as a frame of the stream's columns and `ONE_IN`; `at` in UTC."""
    frames = []
    for packed in (False, True):
        lines = [line for line in rows.lines if is_packed(line) == packed]
        blocks = [block for block in rows.blocks if is_packed(block) == packed]
        if lines or blocks:
            frames.append(_frame(stream, lines, blocks, packed=packed))
    at = pl.col("at").cast(pl.Datetime("us", "UTC"))
    return pl.concat(frames).with_columns(at, pl.lit(one_in, pl.UInt32).alias(ONE_IN))


def _frame(stream: Stream, lines: Sequence[Line], blocks: Sequence[Block], *, packed: bool) -> pl.DataFrame:
    """Rows of one form."""
    loose = len(META) if packed else len(stream.schema)
    columns = list(zip(*lines, strict=True))
    parts = [*([columns[:loose]] if lines else []), *(block[:loose] for block in blocks)]
    series = [
        pl.Series(name, each[0] if len(each) == 1 else list(chain.from_iterable(each)), dtype, strict=False)
        for (name, dtype), each in zip(stream.schema.items(), zip(*parts, strict=True), strict=not packed)
    ]
    if packed:
        wide = [matrix(b"".join([line[-1] for line in lines]), len(stream.names)).T] if lines else []
        wide += [matrix(block[-1], len(block[0])) for block in blocks]  # type: ignore[arg-type]
        names = list(stream.schema)[loose:]
        series += map(pl.Series, names, np.ascontiguousarray(np.concatenate(wide, axis=1)))
    return pl.DataFrame(series)
