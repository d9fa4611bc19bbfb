"""Universal Binary JSON, as much of it as XGBoost writes, read without trusting a byte of it."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np

from argosy.errors import CorruptError

_DEPTH = 16
_NUMBERS = {b"i": ">b", b"U": ">B", b"I": ">h", b"l": ">i", b"L": ">q", b"d": ">f", b"D": ">d"}
_STRUCTS = {marker: struct.Struct(code) for marker, code in _NUMBERS.items()}
_DTYPES = {marker: np.dtype(code) for marker, code in _NUMBERS.items()}
_PLAIN = {b"T": True, b"F": False, b"Z": None}


def read(data: bytes) -> dict[str, Any]:
    """The object that the bytes hold; lists of one type become arrays of it, in the machine's order of bytes.

    Raises CorruptError for anything else, for names that come twice, and for what lies deeper than 16 levels.
    """
    reader = _Reader(data)
    try:
        found = reader.value(0)
    except UnicodeDecodeError as error:
        raise _wrong(f"it holds no text at byte {reader.place:,}") from error
    if not isinstance(found, dict) or reader.place != len(data):
        raise _wrong(f"it is not one object of {len(data):,} bytes")
    return found


class _Reader:
    """Where reading has come to."""

    def __init__(self, data: bytes) -> None:
        self.place = 0
        self._data = data

    def value(self, depth: int) -> Any:
        marker = self._take(1)
        if marker in _STRUCTS:
            return self._number(marker)
        if marker in _PLAIN:
            return _PLAIN[marker]
        if marker == b"S":
            return self._text()
        if depth >= _DEPTH:
            raise _wrong(f"it is deeper than {_DEPTH} levels")
        if marker == b"{":
            return self._object(depth + 1)
        if marker == b"[":
            return self._list(depth + 1)
        raise _wrong(f"byte {self.place - 1:,} starts no value")

    def _object(self, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while (name := self._name()) is not None:
            if name in found:
                raise _wrong(f"{name[:40]!r} comes twice")
            found[name] = self.value(depth)
        return found

    def _name(self) -> str | None:
        if self._peek() == b"}":
            self.place += 1
            return None
        return self._text()

    def _list(self, depth: int) -> Any:
        if self._peek() != b"$":
            return [self.value(depth) for _ in range(self._count())]
        self.place += 1
        marker = self._take(1)
        if marker not in _DTYPES:
            raise _wrong(f"byte {self.place - 1:,} is no type of numbers")
        kind = _DTYPES[marker]
        content = self._take(self._count() * kind.itemsize)
        return np.frombuffer(content, dtype=kind).astype(kind.newbyteorder("="))

    def _count(self) -> int:
        """The length of a list, of which every element takes a byte at least."""
        if self._take(1) != b"#":
            raise _wrong(f"the list at byte {self.place - 1:,} does not say its length")
        return self._length()

    def _text(self) -> str:
        return self._take(self._length()).decode()

    def _length(self) -> int:
        if self._take(1) != b"L":
            raise _wrong(f"byte {self.place - 1:,} states no length")
        length = int(self._number(b"L"))
        if not 0 <= length <= len(self._data) - self.place:
            raise _wrong(f"the length at byte {self.place - 8:,} is beyond its end")
        return length

    def _number(self, marker: bytes) -> int | float:
        kind = _STRUCTS[marker]
        found: int | float = kind.unpack(self._take(kind.size))[0]
        return found

    def _take(self, count: int) -> bytes:
        found = self._data[self.place : self.place + count]
        if len(found) != count:
            raise _wrong(f"it ends at byte {len(self._data):,}, before it is whole")
        self.place += count
        return found

    def _peek(self) -> bytes:
        return self._data[self.place : self.place + 1]


def _wrong(reason: str) -> CorruptError:
    return CorruptError(f"these bytes are not an XGBoost model: {reason}", next="register the version again")
