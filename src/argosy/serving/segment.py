"""Segments: the rows that versions answered, or failed on, as frames."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import chain, repeat
from typing import Any

import msgspec
import numpy as np
import polars as pl

from argosy.model.matrix import Matrix
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


class Same(msgspec.Struct, frozen=True):
    """A column of `count` rows that all have one value."""

    value: Any
    count: int

    def __len__(self) -> int:
        """How many rows."""
        return self.count

    def __iter__(self) -> Iterator[Any]:
        """The value of each."""
        return repeat(self.value, self.count)

    def __getitem__(self, row: int) -> Any:
        """The value of one."""
        return self.value


Block = Sequence[Sequence[Any] | Same]
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
    columns = block[:-1] if packed else block
    found: list[Sequence[Any] | Same] = [
        Same(values.value, len(places)) if isinstance(values, Same) else [values[i] for i in places]
        for values in columns
    ]
    return [*found, matrix(block[-1], len(block[0]))[:, places].tobytes()] if packed else found  # type: ignore[arg-type]


def segment(stream: Stream, rows: Buffer, one_in: int = 1) -> pl.DataFrame:
    """Rows as a frame of the stream's columns and `ONE_IN`; `at` in UTC."""
    frames = []
    for packed in (False, True):
        if lines := [line for line in rows.lines if is_packed(line) == packed]:
            frames.append(_of_lines(stream, lines, packed=packed))
        if blocks := [block for block in rows.blocks if is_packed(block) == packed]:
            frames.append(_of_blocks(stream, blocks, packed=packed))
    at = pl.col("at").cast(pl.Datetime("us", "UTC"))
    return pl.concat(frames).with_columns(at, pl.lit(one_in, pl.UInt32).alias(ONE_IN))


def _of_lines(stream: Stream, lines: Sequence[Line], *, packed: bool) -> pl.DataFrame:
    columns = list(zip(*lines, strict=True))
    series = [
        pl.Series(name, values, dtype, strict=False)
        for (name, dtype), values in zip(stream.schema.items(), columns[: _loose(stream, packed)], strict=not packed)
    ]
    if packed:
        series += _numbers(stream, matrix(b"".join(columns[-1]), len(stream.names)).T)
    return pl.DataFrame(series)


def _of_blocks(stream: Stream, blocks: Sequence[Block], *, packed: bool) -> pl.DataFrame:
    places = pl.Series(np.repeat(np.arange(len(blocks), dtype=np.uint32), [len(block[0]) for block in blocks]))
    columns = zip(*(block[: _loose(stream, packed)] for block in blocks), strict=True)
    series = [
        _column(name, dtype, parts, places)
        for (name, dtype), parts in zip(stream.schema.items(), columns, strict=not packed)
    ]
    if packed:
        wide = [matrix(block[-1], len(block[0])) for block in blocks]  # type: ignore[arg-type]
        series += _numbers(stream, np.concatenate(wide, axis=1))
    return pl.DataFrame(series)


def _loose(stream: Stream, packed: bool) -> int:
    """How many columns stand in rows for themselves."""
    return len(META) if packed else len(stream.schema)


def _column(name: str, dtype: pl.DataType, parts: Sequence[Sequence[Any] | Same], places: pl.Series) -> pl.Series:
    """One column of some blocks; `places` says of each row in which of them it stands."""
    alike = [part.value for part in parts if isinstance(part, Same)]
    if len(alike) == len(parts):
        return pl.Series(name, alike, dtype, strict=False).gather(places)
    return pl.Series(name, list(chain.from_iterable(parts)), dtype, strict=False)


def _numbers(stream: Stream, wide: Matrix) -> list[pl.Series]:
    """The features of a stream of numbers, of a matrix of features x rows."""
    return list(map(pl.Series, list(stream.schema)[len(META) :], np.ascontiguousarray(wide)))
