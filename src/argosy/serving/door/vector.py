"""Columns of Arrow: what the schema says of one, and the Python values of its buffers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import msgspec
import numpy as np

from argosy.errors import InputError
from argosy.serving.door.flatbuffer import Table
from argosy.serving.door.raw import finite

MAX_TEXT = 128 << 20
"""Characters of all texts of one request."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NULL, _INT, _FLOAT, _UTF8, _BOOL, _DECIMAL, _DATE, _TIMESTAMP, _LARGE, _VIEW = 1, 2, 3, 5, 6, 7, 8, 10, 20, 24
_BUFFERS = {_NULL: 0, _UTF8: 3, _LARGE: 3}
_UNITS = (10**6, 10**3, 1, 0)
"""Microseconds in a unit of time; 0 is nanoseconds, whose thousandth part is taken."""
_DAY = 86_400 * 10**6


class Kind(msgspec.Struct, frozen=True):
    """A column: its name, Arrow's number of its type, and how that is told more exactly.

    `dtype` is numpy's of its elements, or of its codes where it has a `dictionary`, whose values `within` describes;
    `scale` is a decimal's, or the microseconds in a unit of time.
    """

    name: str
    type: int
    dtype: str = ""
    scale: int = 0
    dictionary: int | None = None
    within: Kind | None = None

    @classmethod
    def of(cls, field: Table) -> Kind:
        """What a field of a schema says; raises InputError for types that no input has."""
        name, number, more = field.text(0), field.number(2, "B"), field.table(3)
        encoding = field.table(4)
        kind = _described(name, number, more)
        if encoding is None:
            return kind
        index = encoding.table(1)
        dtype = _integer(name, index) if index is not None else "<i4"
        return cls(name, _INT, dtype, dictionary=encoding.number(0, "q"), within=kind)

    @property
    def buffers(self) -> int:
        """How many buffers it has, but for those that views of texts point into."""
        return _BUFFERS.get(self.type, 2)

    @property
    def is_view(self) -> bool:
        """Whether its texts lie in a number of buffers that each batch tells."""
        return self.type == _VIEW

    def plain(self) -> Kind:
        """The kind of the values of its dictionary."""
        assert self.within is not None
        return self.within


class Part(msgspec.Struct, frozen=True):
    """The buffers of a column in one batch of `rows`, of which so many are null."""

    kind: Kind
    rows: int
    nulls: int
    buffers: Sequence[bytes]


def values(part: Part, dictionaries: Mapping[int, list[Any]]) -> list[Any]:
    """One Python value a row: None for null and for a number that is not one. Raises InputError."""
    kind = part.kind
    if kind.type == _NULL:
        return [None] * part.rows
    found = _coded(part, dictionaries) if kind.dictionary is not None else _plain(part)
    if part.nulls == 0 or not part.buffers[0]:
        return found
    valid = _bits(part, part.buffers[0])
    return [value if there else None for value, there in zip(found, valid, strict=True)]


def _described(name: str, number: int, more: Table | None) -> Kind:
    if number in (_NULL, _BOOL, _UTF8, _LARGE, _VIEW):
        return Kind(name, number)
    if more is None:
        raise InputError(f"the column {name[:80]!r} is of no type", next="send the Arrow data as it was written")
    if number == _INT:
        return Kind(name, number, _integer(name, more))
    if number == _FLOAT:
        return Kind(name, number, ("<f2", "<f4", "<f8")[_within(name, more.number(0, "h"), 3)])
    if number == _DECIMAL and more.number(2, "i", 128) == 128:
        return Kind(name, number, scale=_within(name, more.number(1, "i"), 39))
    if number == _DATE:
        day = more.number(0, "h", 1) == 0
        return Kind(name, number, "<i4" if day else "<i8", _DAY if day else 1000)
    if number == _TIMESTAMP:
        if not more.text(1):
            raise InputError(f"the column {name!r} holds times without a zone", next="give it one, such as UTC")
        return Kind(name, number, "<i8", _UNITS[_within(name, more.number(0, "h"), 4)])
    raise InputError(
        f"the column {name[:80]!r} is of a type that no input has (number {number} of Arrow)",
        next="send booleans, numbers, texts, categories, dates and times",
    )


def _integer(name: str, more: Table) -> str:
    width = more.number(0, "i")
    if width not in (8, 16, 32, 64):
        raise InputError(f"the column {name!r} has integers of {width} bits", next="send 8, 16, 32 or 64")
    return f"<{'i' if more.number(1, 'B') else 'u'}{width // 8}"


def _within(name: str, value: int, limit: int) -> int:
    if not 0 <= value < limit:
        raise InputError(f"the type of the column {name!r} has {value}", next="send the Arrow data as it was written")
    return value


def _plain(part: Part) -> list[Any]:
    kind = part.kind
    if kind.type in (_UTF8, _LARGE):
        return _texts(part)
    if kind.type == _VIEW:
        return _views(part)
    if kind.type == _BOOL:
        return _bits(part, part.buffers[1])
    if kind.type == _DECIMAL:
        data, scale = _checked(part, part.buffers[1], 16), 10**kind.scale
        ends = range(0, part.rows * 16, 16)
        return [int.from_bytes(data[at : at + 16], "little", signed=True) / scale for at in ends]
    numbers = np.frombuffer(_checked(part, part.buffers[1], np.dtype(kind.dtype).itemsize), kind.dtype, part.rows)
    if kind.type == _FLOAT:
        return finite(kind.name, _without_nulls(part, numbers))
    if kind.type in (_DATE, _TIMESTAMP):
        return _times(part, numbers)
    found: list[Any] = numbers.tolist()
    return found


def _without_nulls(part: Part, numbers: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Floats, with NaN where there is none: what stands there is anybody's guess."""
    if part.nulls == 0 or not part.buffers[0]:
        return numbers
    return np.where(np.array(_bits(part, part.buffers[0]), np.bool_), numbers, np.nan)


def _coded(part: Part, dictionaries: Mapping[int, list[Any]]) -> list[Any]:
    kind = part.kind
    words = dictionaries.get(kind.dictionary or 0, [])
    codes = np.frombuffer(_checked(part, part.buffers[1], np.dtype(kind.dtype).itemsize), kind.dtype, part.rows)
    some = codes if part.nulls == 0 or not part.buffers[0] else codes[np.array(_bits(part, part.buffers[0]), np.bool_)]
    if some.size and not 0 <= int(some.min()) <= int(some.max()) < len(words):
        raise InputError(
            f"the column {kind.name!r} has a code that none of its {len(words):,} categories has",
            next="send the Arrow data as it was written",
        )
    return [words[code] if 0 <= code < len(words) else None for code in codes.tolist()]


def _times(part: Part, numbers: np.ndarray[Any, Any]) -> list[Any]:
    wide, scale = numbers.astype("<i8"), part.kind.scale
    valid = [True] * part.rows if part.nulls == 0 or not part.buffers[0] else _bits(part, part.buffers[0])
    try:
        return [
            _EPOCH + timedelta(microseconds=value * scale if scale else value // 1000) if there else None
            for value, there in zip(wide.tolist(), valid, strict=True)
        ]
    except OverflowError as error:
        raise InputError(
            f"the column {part.kind.name!r} holds a time beyond the year 9999 or before the year 1",
            next="send null where there is none",
        ) from error


def _texts(part: Part) -> list[Any]:
    kind, rows = part.kind, part.rows
    dtype = np.dtype("<i4" if kind.type == _UTF8 else "<i8")
    if rows == 0:
        return []
    ends = np.frombuffer(_checked(part, part.buffers[1], dtype.itemsize, 1), dtype, rows + 1)
    data = part.buffers[2]
    if ends[0] < 0 or ends[-1] > len(data) or (ends[1:] < ends[:-1]).any():
        raise _beyond(part)
    places = ends.tolist()
    return [_text(part, data[start:end]) for start, end in pairwise(places)]


def _views(part: Part) -> list[Any]:
    views, data = _checked(part, part.buffers[1], 16), part.buffers[2:]
    found: list[Any] = []
    places = np.frombuffer(views, "<i4", part.rows * 4).reshape(-1, 4)
    if places[:, 0].clip(0).sum(dtype=np.int64) > MAX_TEXT:
        raise long(part.kind.name)
    for length, _, number, offset in places.tolist():
        if 0 <= length <= 12:
            start = len(found) * 16 + 4
            found.append(_text(part, views[start : start + length]))
        elif 0 <= number < len(data) and 0 <= offset <= offset + length <= len(data[number]):
            found.append(_text(part, data[number][offset : offset + length]))
        elif part.nulls:  # nothing is said of what stands where nothing is
            found.append(None)
        else:
            raise _beyond(part)
    return found


def _text(part: Part, data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise InputError(f"the column {part.kind.name!r} holds what is no UTF-8", next="send UTF-8") from error


def _bits(part: Part, data: bytes) -> list[bool]:
    if len(data) * 8 < part.rows:
        raise _beyond(part)
    found: list[bool] = (
        np.unpackbits(np.frombuffer(data, np.uint8), count=part.rows, bitorder="little").view("?").tolist()
    )
    return found


def _checked(part: Part, data: bytes, width: int, more: int = 0) -> bytes:
    if len(data) < (part.rows + more) * width:
        raise _beyond(part)
    return data


def long(name: str) -> InputError:
    """What to tell of a column with which the texts of a request are too long."""
    return InputError(
        f"the texts up to those of the column {name[:80]!r} have above {MAX_TEXT:,} characters",
        next="send fewer rows in each request",
    )


def _beyond(part: Part) -> InputError:
    return InputError(
        f"the column {part.kind.name!r} has fewer values than its batch has rows, or texts beyond its buffers",
        next="send the Arrow data as it was written",
    )
