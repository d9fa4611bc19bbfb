"""Parts: frames as immutable Parquet blobs, each with the bounds that say which rows cannot be in it."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import msgspec
import polars as pl

from argosy.spec.dataset import Dataset
from argosy.store import Blobs
from argosy.store.codec import to_micros
from argosy.store.datasets import ROWS, NewPart, Part

LARGEST = 1_000_000
"""Rows of a part at most."""

_LONGEST = 200


class Layout(msgspec.Struct, frozen=True):
    """Which columns hold the event time, the known time (None: the event time) and the key of a row."""

    time: str
    known: str | None = None
    key: tuple[str, ...] = ()

    @classmethod
    def of(cls, dataset: Dataset) -> Layout:
        """The layout that a dataset declares."""
        return cls(dataset.time, dataset.known, dataset.key)

    @property
    def knowing(self) -> str:
        """The column of the time at which a row became known."""
        return self.known or self.time

    def identity(self, columns: Sequence[str]) -> list[str]:
        """The columns whose values make two rows the same: key and known time, or all where there is no key."""
        return list(dict.fromkeys((*self.key, self.knowing))) if self.key else list(columns)

    def names(self, columns: Sequence[str]) -> bool:
        """Whether columns hold the whole key (or are none at all), so that no two newest rows share their values."""
        return not columns or (bool(self.key) and set(self.key) <= set(columns))

    @property
    def bounded(self) -> tuple[str, ...]:
        """The columns whose least and largest value each part states."""
        return tuple(dict.fromkeys((*self.key, self.knowing)))


class Origin(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a part says of itself: its layout, bounds per column (instants in microseconds), and its sources."""

    layout: Layout
    bounds: dict[str, tuple[Any, Any]] = {}
    sources: tuple[str, ...] = ()


def write(
    blobs: Blobs, frame: pl.DataFrame, layout: Layout, sources: Sequence[str], *, purpose: str = ROWS
) -> list[NewPart]:
    """Store the rows, ordered by event time, as parts of at most `LARGEST` rows; an empty frame needs none.

    Raises `CapacityError` where the disk is full; nothing refers to the parts until they are committed.
    """
    if frame.is_empty():
        return []
    ordered = frame.sort(layout.time, nulls_last=True, maintain_order=True) if layout.time in frame.columns else frame
    return [_write(blobs, rows, layout, tuple(sources), purpose) for rows in ordered.iter_slices(LARGEST)]


def origin(part: Part | NewPart) -> Origin:
    """What a part says of itself."""
    return msgspec.convert(part.source, Origin)


def overlapping(parts: Sequence[Part], frame: pl.DataFrame, layout: Layout) -> Iterator[Part]:
    """The parts that may hold a row whose key (or known time, without a key) is in `frame`."""
    columns = layout.key or (layout.knowing,)
    wanted = bounds(frame, columns)
    for part in parts:
        given = part.source.get("bounds", {})
        if all(_meet(wanted[name], given[name]) for name in columns if name in given and name in wanted):
            yield part


def bounds(frame: pl.DataFrame, columns: Sequence[str]) -> dict[str, tuple[Any, Any]]:
    """Least and largest value of each column that has any and whose type has an order that JSON keeps."""
    present = [name for name in columns if name in frame.columns and _ordered(frame.schema[name])]
    least = frame.select(pl.col(present).min()).row(0) if present else ()
    largest = frame.select(pl.col(present).max()).row(0) if present else ()
    found: dict[str, tuple[Any, Any]] = {}
    for name, low, high in zip(present, least, largest, strict=True):
        if low is not None and not (isinstance(high, str) and max(len(low), len(high)) > _LONGEST):
            found[name] = (_plain(low), _plain(high))
    return found


def _write(blobs: Blobs, rows: pl.DataFrame, layout: Layout, sources: tuple[str, ...], purpose: str) -> NewPart:
    buffer = io.BytesIO()
    rows.write_parquet(buffer, compression="zstd")
    data = buffer.getvalue()
    low, high = _span(rows, layout.time)
    about = Origin(layout, bounds(rows, layout.bounded), sources)
    return NewPart(
        digest=blobs.put(data),
        rows=rows.height,
        bytes=len(data),
        low=low,
        high=high,
        source=msgspec.to_builtins(about),
        purpose=purpose,
    )


def _span(rows: pl.DataFrame, time: str) -> tuple[datetime | None, datetime | None]:
    if not isinstance(rows.schema.get(time), pl.Datetime):
        return None, None
    low, high = rows.select(low=pl.col(time).min(), high=pl.col(time).max()).row(0)
    return low, high


def _ordered(dtype: pl.DataType) -> bool:
    return dtype.is_integer() or dtype == pl.String or isinstance(dtype, pl.Datetime)


def _plain(value: Any) -> Any:
    return to_micros(value) if isinstance(value, datetime) else value


def _meet(one: tuple[Any, Any], other: Sequence[Any]) -> bool:
    """Whether two ranges share a value; ranges of different types may."""
    if type(one[0]) is not type(other[0]):
        return True
    return bool(one[0] <= other[1] and other[0] <= one[1])
