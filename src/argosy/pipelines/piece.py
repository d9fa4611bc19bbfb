"""Pieces: what a step is given and what it gave, as data that travels between processes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from argosy.store import Slot
from argosy.store.artifacts import Artifact

INLINE = 4096
"""Bytes of an artifact that may lie in its row."""


class Plain(msgspec.Struct, frozen=True, tag="p", array_like=True, gc=False):
    """A constant that is the same once it has travelled: see `travels`."""

    value: Any


class Held(msgspec.Struct, frozen=True, tag="h", array_like=True, gc=False):
    """An artifact: `data` itself while it is at hand, else where it lies in the blob store (see `Slot`).

    Of an item of a list, `of` is the artifact that is the list; it is empty for a constant, which is in no store.
    """

    format: str
    digest: str
    size: int
    data: bytes | None = None
    pack: str | None = None
    start: int = 0
    of: str | None = None

    @classmethod
    def recorded(cls, artifact: Artifact) -> Held:
        """A recorded one."""
        return cls(artifact.kind, artifact.digest, artifact.bytes, artifact.data, artifact.pack, artifact.start)

    @property
    def slot(self) -> Slot:
        """Where it lies, unless `data` holds it."""
        return Slot(self.digest, self.pack, self.start, self.size)

    @property
    def content(self) -> str:
        """What it is in a key."""
        return f"{self.format}:{self.digest}"


class Rows(msgspec.Struct, frozen=True, tag="r", array_like=True):
    """A dataset at a version. `loader` names the function that reads it: it takes `arguments` and what is wanted."""

    reference: str
    digest: str
    loader: str
    arguments: tuple[Any, ...]

    @property
    def content(self) -> str:
        """What it is in a key."""
        return f"dataset:{self.digest}"


class Outside(msgspec.Struct, frozen=True, tag="o", array_like=True):
    """A file or directory outside of the store, with the hash of its content and its state when that was read."""

    path: str
    digest: str
    state: str

    @property
    def content(self) -> str:
        """What it is in a key."""
        return f"path:{self.digest}"


class Many(msgspec.Struct, frozen=True, tag="m", array_like=True):
    """A list of pieces. None stands for an element of a map that failed or was skipped."""

    items: tuple[Piece | None, ...]
    content: str = ""
    """What it is in a key."""

    @classmethod
    def of(cls, items: Iterator[Piece | None] | tuple[Piece | None, ...] | list[Piece | None]) -> Many:
        """A list, and what it is in a key."""
        found = tuple(items)
        return cls(found, f"{_LIST}{hashlib.sha256(_text(found).encode()).hexdigest()}")

    @property
    def text(self) -> str:
        """What each item is in a key, a line each; `digest` is its address."""
        return _text(self.items)

    @property
    def digest(self) -> str:
        """The content address of the list."""
        return self.content.removeprefix(_LIST)


Piece = Plain | Held | Rows | Outside | Many
"""A value, by where it comes from."""


def travels(value: Any) -> bool:
    """Whether a constant can be sent as it is. Tuples, dates and the like become others, and dicts have no order."""
    kind = type(value)
    if kind is list:
        return all(map(travels, value))
    return kind in _ATOMS or (kind is int and -(1 << 63) <= value < 1 << 64)


def content(piece: Piece) -> str:
    """What a piece is in a key: the same text exactly where it is the same value, a constant or what a step gave."""
    if isinstance(piece, Plain):
        return f"value:{hashlib.sha256(_encode(piece.value)).hexdigest()}"  # as the format of values has it
    return piece.content


def _text(items: Iterable[Piece | None]) -> str:
    return "\n".join("-" if each is None else content(each) for each in items)


def held(piece: Piece | None) -> Iterator[Held]:
    """The artifacts within a piece."""
    if isinstance(piece, Held):
        yield piece
    elif isinstance(piece, Many):
        for each in piece.items:
            yield from held(each)


_LIST = "list:"
_ATOMS = (type(None), bool, float, str, bytes)
_encode = msgspec.msgpack.Encoder().encode
