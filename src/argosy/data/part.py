"""Parts: frames as immutable Parquet blobs, each with the bounds that say which rows cannot be in it."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import polars as pl

from argosy.errors import CorruptError, UnknownError
from argosy.spec.dataset import Dataset
from argosy.store import Blobs
from argosy.store.codec import to_micros
from argosy.store.datasets import COMPACT, ROWS, NewPart, Part

LARGEST = 1_000_000
"""Rows of a part at most."""

_LONGEST = 200
_GROUP = 1 << 14
"""Rows that are read or left out together when a span of time is asked for."""

_CASTS = pl.ScanCastOptions(integer_cast=["upcast", "allow-float"], float_cast="upcast", missing_struct_fields="insert")
_verified: set[tuple[str, int, int, int]] = set()
_verifying = threading.Lock()


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
    """What a part says of itself: its layout, bounds per column (instants in microseconds), and its sources.

    A compact part names the first and the last version whose rows it holds, and how often they were compacted.
    `distinct`: no key of its rows had come before, in an earlier part or in this one.
    """

    layout: Layout
    bounds: dict[str, tuple[Any, Any]] = {}
    sources: tuple[str, ...] = ()
    versions: tuple[int, int] | None = None
    level: int = 0
    distinct: bool = False


def write(
    blobs: Blobs, frame: pl.DataFrame, layout: Layout, sources: Sequence[str], *, purpose: str = ROWS,
    distinct: bool = False,
) -> list[NewPart]:  # fmt: skip
    """Store the rows, ordered by event time, as parts of at most `LARGEST` rows; an empty frame needs none.

    `distinct` says that their keys are new, and all different. Raises `CapacityError` where the disk is full; nothing
    refers to the parts until they are committed.
    """
    if frame.is_empty():
        return []
    ordered = frame.sort(layout.time, nulls_last=True, maintain_order=True) if layout.time in frame.columns else frame
    about = Origin(layout, sources=tuple(sources), distinct=distinct)
    return [_write(blobs, rows, about, purpose) for rows in ordered.iter_slices(LARGEST)]


def compacted(
    blobs: Blobs, rows: pl.DataFrame, parts: Sequence[Part], versions: tuple[int, int], level: int
) -> NewPart:
    """Store the rows of some `parts` as they are as one part that stands for all parts of some versions."""
    layout = origin(parts[-1]).layout
    about = Origin(layout, versions=versions, level=level, distinct=distinct(parts, layout))
    return _write(blobs, rows, about, COMPACT)


def frame(blobs: Blobs, parts: Sequence[Part], types: Mapping[str, pl.DataType] | None = None) -> pl.LazyFrame:
    """The rows of parts, verified against their content addresses, in these types (None: what they hold)."""
    paths = [_sound(blobs, each) for each in parts]
    if types is None:
        return pl.concat([pl.scan_parquet(path, glob=False) for path in paths], how="diagonal_relaxed")
    return pl.scan_parquet(
        paths, schema=dict(types), missing_columns="insert", extra_columns="ignore", cast_options=_CASTS, glob=False
    )


def origin(part: Part | NewPart) -> Origin:
    """What a part says of itself."""
    return msgspec.convert(part.source, Origin)


def distinct(parts: Sequence[Part], layout: Layout) -> bool:
    """Whether no two rows of parts that follow one another have the same key of `layout`."""
    found = [origin(each) for each in parts]
    return all(each.distinct and each.layout.key == layout.key for each in found)


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
    found: dict[str, tuple[Any, Any]] = {}
    for name in present:
        low, high = frame[name].min(), frame[name].max()
        if low is not None and not (isinstance(high, str) and max(len(str(low)), len(high)) > _LONGEST):
            found[name] = (_plain(low), _plain(high))
    return found


def _write(blobs: Blobs, rows: pl.DataFrame, about: Origin, purpose: str) -> NewPart:
    buffer = io.BytesIO()
    rows.write_parquet(buffer, compression="zstd", row_group_size=_GROUP)
    data = buffer.getvalue()
    low, high = _span(rows, about.layout.time)
    about = msgspec.structs.replace(about, bounds=bounds(rows, about.layout.bounded))
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
    low, high = rows[time].min(), rows[time].max()
    return (low, high) if isinstance(low, datetime) and isinstance(high, datetime) else (None, None)


def _ordered(dtype: pl.DataType) -> bool:
    return dtype.is_integer() or dtype == pl.String or isinstance(dtype, pl.Datetime)


def _plain(value: Any) -> Any:
    return to_micros(value) if isinstance(value, datetime) else value


def _meet(one: tuple[Any, Any], other: Sequence[Any]) -> bool:
    """Whether two ranges share a value; ranges of different types may."""
    if type(one[0]) is not type(other[0]):
        return True
    return bool(one[0] <= other[1] and other[0] <= one[1])


def _sound(blobs: Blobs, part: Part) -> Path:
    """The file of a part; its content is checked once for as long as the file stays as it is.

    Raises `CorruptError` or `UnknownError` that names the version that the part came with.
    """
    path = blobs.path(part.digest)
    state = path.stat() if path.exists() else None
    seen = state and (part.digest, state.st_ino, state.st_size, state.st_mtime_ns)
    if seen in _verified:
        return path
    try:
        blobs.check(part.digest)
    except (CorruptError, UnknownError) as error:
        whose = f"{part.dataset}@{part.from_version}"
        raise type(error)(f"a part of {whose} is damaged: {error.message}", next=error.next) from None
    if seen is not None:
        with _verifying:
            _verified.add(seen)
    return path
