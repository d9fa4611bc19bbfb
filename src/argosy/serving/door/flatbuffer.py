"""Tables of a flat buffer, read with every offset checked: bytes from outside may hold any."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from argosy.errors import InputError

_TEXT_LIMIT = 4096
_FORMATS = {name: struct.Struct(f"<{name}") for name in "bBhHiIq"}


class Table:
    """A table at a place of a buffer. A field is named by its number; one that is not there has its default.

    Raises InputError where the buffer ends before what an offset says.
    """

    def __init__(self, data: bytes, at: int) -> None:
        self._data, self._at = data, at
        self._fields = at - self._read("i", at)
        self._size = self._read("H", self._fields)

    @classmethod
    def root(cls, data: bytes) -> Table:
        """The table that a buffer holds."""
        return cls(data, _read(data, "I", 0))

    def number(self, field: int, format: str, default: int = 0) -> int:
        """An integer; `format` is that of `struct`."""
        at = self._place(field)
        return self._read(format, at) if at else default

    def table(self, field: int) -> Table | None:
        """A table within this one."""
        at = self._target(field)
        return Table(self._data, at) if at else None

    def text(self, field: int) -> str:
        """A text of `_TEXT_LIMIT` bytes at most, since many may be the same; empty where it is not there."""
        at = self._target(field)
        if not at:
            return ""
        size = self._read("I", at)
        if size > _TEXT_LIMIT:
            raise InputError(
                f"the Arrow data has a name of {size:,} bytes", next=f"write names of up to {_TEXT_LIMIT:,} bytes"
            )
        end = at + 4 + size
        if end > len(self._data):
            raise _cut()
        return self._data[at + 4 : end].decode("utf-8", "replace")

    def tables(self, field: int, limit: int) -> Iterator[Table]:
        """The tables of a vector, of which there may be `limit`."""
        for at in self._elements(field, 4, limit):
            yield Table(self._data, at + self._read("I", at))

    def pairs(self, field: int, limit: int) -> list[tuple[int, int]]:
        """A vector of structures that hold two 64-bit integers each."""
        return [(self._read("q", at), self._read("q", at + 8)) for at in self._elements(field, 16, limit)]

    def blocks(self, field: int, limit: int) -> list[tuple[int, int, int]]:
        """A vector of places in a file: where each is, and the bytes of its head and of its body."""
        places = self._elements(field, 24, limit)
        return [(self._read("q", at), self._read("i", at + 8), self._read("q", at + 16)) for at in places]

    def numbers(self, field: int, limit: int) -> list[int]:
        """A vector of 64-bit integers."""
        return [self._read("q", at) for at in self._elements(field, 8, limit)]

    def _elements(self, field: int, width: int, limit: int) -> range:
        at = self._target(field)
        if not at:
            return range(0)
        count = self._read("I", at)
        if count > limit or at + 4 + count * width > len(self._data):
            raise InputError(
                f"the Arrow data says it has {count:,} parts where at most {limit:,} may be",
                next="send it as it was written, with fewer columns",
            )
        return range(at + 4, at + 4 + count * width, width)

    def _place(self, field: int) -> int:
        entry = 4 + 2 * field
        offset = self._read("H", self._fields + entry) if entry < self._size else 0
        return self._at + offset if offset else 0

    def _target(self, field: int) -> int:
        at = self._place(field)
        return at + self._read("I", at) if at else 0

    def _read(self, format: str, at: int) -> int:
        return _read(self._data, format, at)


def _read(data: bytes, format: str, at: int) -> int:
    reader = _FORMATS[format]
    if at < 0 or at + reader.size > len(data):
        raise _cut()
    value: int = reader.unpack_from(data, at)[0]
    return value


def _cut() -> InputError:
    return InputError("the Arrow data ends within its description", next="send it as it was written, whole")
