"""Where a format writes: memory while it is little, a draft of the blob store once it is more."""

from __future__ import annotations

import builtins
import contextlib
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import msgspec

from argosy.spec.format import File, Format
from argosy.store import Blobs
from argosy.store.blobs import room

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

SMALL = 1 << 20
_CHUNK = 1 << 20


class Saved(msgspec.Struct, frozen=True):
    """What was written: `bytes` bytes of this SHA-256; `data` where they are few, else they are a blob by now."""

    digest: str
    bytes: int
    data: builtins.bytes | None


class Sink(File):
    """A binary file to be written once, from start to end; not safe to share between threads.

    Up to `SMALL` bytes stay in memory, more go to a draft in `blobs`, hashed on the way. End with `finish`, or with
    `discard`, which leaves nothing behind; a library may `close` it before that, and harms nothing.
    """

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs
        self._memory = bytearray()
        self._draft: Path | None = None
        self._file: BinaryIO | None = None
        self._hash = hashlib.sha256()
        self._size = 0

    def writable(self) -> bool:
        """See `io.IOBase.writable`."""
        return True

    def tell(self) -> int:
        """How many bytes were written so far."""
        return self._size

    def write(self, data: ReadableBuffer) -> int:
        """Append bytes. Raises `ValueError` once `path` was asked for, `CapacityError` where the disk is full."""
        if self._draft is not None and self._file is None:
            raise ValueError("the file was handed out by its path: write there")
        with memoryview(data) as view, view.cast("B") as content:
            if self._file is None and self._size + len(content) > SMALL:
                self._file = self._spill()
            self._hash.update(content)
            self._size += len(content)
            if self._file is None:
                self._memory += content
            else:
                with room(self._draft_name()):
                    self._file.write(content)
            return len(content)

    def path(self) -> Path:
        """The file of what was written so far; from now on it is written to by this name alone."""
        if self._file is None and self._draft is None:
            self._file = self._spill()
        if self._file is not None:
            with room(self._draft_name()):
                self._file.close()
            self._file = None
        assert self._draft is not None
        return self._draft

    def finish(self) -> Saved:
        """What was written, safe on disk unless it comes back as `data`. Raises `CapacityError` on a full disk."""
        if self._draft is None:
            data = bytes(self._memory)
            return Saved(self._hash.hexdigest(), len(data), data)
        if self._file is None:
            self._reread()
        else:
            with room(self._draft_name()):
                self._file.close()
        digest = self._hash.hexdigest()
        few = self._draft.read_bytes() if self._size <= SMALL else None
        if few is None:
            self._blobs.adopt(self._draft, digest)
        self.discard()
        return Saved(digest, self._size, few)

    def within(self, format: Format, value: object) -> builtins.bytes:
        """The bytes of another value, for what keeps it as a part of its own."""
        sink = Sink(self._blobs)
        try:
            format.save(value, sink)
            return bytes(sink._memory) if sink._draft is None else sink.path().read_bytes()
        finally:
            sink.discard()

    def discard(self) -> None:
        """Drop what was written, unless it is a blob by now."""
        if self._file is not None:
            with contextlib.suppress(OSError):  # what could not be flushed is dropped with the rest
                self._file.close()
        if self._draft is not None:
            self._draft.unlink(missing_ok=True)

    def _spill(self) -> BinaryIO:
        self._draft = self._blobs.draft()
        with room(self._draft_name()):
            file = self._draft.open("xb")
            file.write(self._memory)
        self._memory.clear()
        return file

    def _draft_name(self) -> str:
        return self._draft.name if self._draft is not None else ""

    def _reread(self) -> None:
        """Whoever was given the path wrote what this object never saw."""
        self._hash, self._size = hashlib.sha256(), 0
        with self.path().open("rb") as file:
            while chunk := file.read(_CHUNK):
                self._hash.update(chunk)
                self._size += len(chunk)
