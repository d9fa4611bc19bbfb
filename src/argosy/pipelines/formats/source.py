"""What a format reads from: an artifact's bytes, in memory, in a pack or in a file of their own, verified."""

from __future__ import annotations

import builtins
import hashlib
import io
import mmap
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from argosy.errors import CorruptError, UnknownError
from argosy.spec.format import File
from argosy.store import Blobs, Slot

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_KEPT = 4096
_ANEW = "run it again: it will be made anew"
_verified: set[tuple[str, int, int, int]] = set()


class Source(File):
    """The bytes of one artifact as a binary file to read and seek in; not safe to share between threads.

    They lie in `slot`, unless they are at hand as `data`. Whatever is handed out matched the slot's digest when this
    process first met it, else `CorruptError` is raised (`UnknownError` for a blob that is gone). `scratch` is a folder
    for files that have to be made, which the caller removes when nobody uses them any more.
    """

    def __init__(self, slot: Slot, blobs: Blobs, scratch: Path, data: builtins.bytes | None = None) -> None:
        self.size = slot.bytes
        self._slot = slot
        self._blobs = blobs
        self._scratch = scratch
        self._data = data
        self._open: BinaryIO | None = None
        if data is not None and hashlib.sha256(data).hexdigest() != slot.digest:
            raise CorruptError(f"artifact {slot.digest} does not match its content address", next=_ANEW)

    def folder(self) -> Path:
        """A new, empty folder for what the value is made of: it lasts as long as the value is in use."""
        self._scratch.mkdir(parents=True, exist_ok=True)
        made = self._scratch / uuid.uuid4().hex
        made.mkdir()
        return made

    def bytes(self) -> builtins.bytes:
        """All of them."""
        if self._data is None:
            with _damage():
                if self._slot.pack is None:
                    return self._blobs.get(self._slot.digest)
                self._data = self._blobs.read(self._slot)
        return self._data

    def path(self) -> Path:
        """A file of these bytes, to be read only: the blob's own where it has one, else a copy in scratch."""
        if self._data is None and self._slot.pack is None:
            self._verify()
            return self._blobs.path(self._slot.digest)
        made = self.folder() / "content"
        made.write_bytes(self.bytes())
        return made

    def buffer(self) -> memoryview:
        """These bytes, to be read only, mapped where they are a file."""
        if self._data is not None or self._slot.pack is not None or not self.size:
            return memoryview(self.bytes())
        with self.path().open("rb") as file:
            return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))

    def within(self, data: builtins.bytes) -> Source:
        """A part of these bytes, which holds a value of its own."""
        slot = Slot(hashlib.sha256(data).hexdigest(), None, 0, len(data))
        return Source(slot, self._blobs, self._scratch, data)

    def readable(self) -> bool:
        """See `io.IOBase.readable`."""
        return True

    def seekable(self) -> bool:
        """See `io.IOBase.seekable`."""
        return True

    def read(self, size: int | None = -1, /) -> builtins.bytes:
        """See `io.BufferedIOBase.read`."""
        return self._file().read(-1 if size is None else size)

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        """See `io.BufferedIOBase.readinto`."""
        with memoryview(buffer) as view, view.cast("B") as target:
            data = self._file().read(len(target))
            target[: len(data)] = data
            return len(data)

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """See `io.IOBase.seek`."""
        return self._file().seek(offset, whence)

    def tell(self) -> int:
        """See `io.IOBase.tell`."""
        return self._file().tell()

    def close(self) -> None:
        """Close what was opened; what was handed out stays valid."""
        if self._open is not None:
            self._open.close()
        super().close()

    def _file(self) -> BinaryIO:
        if self._open is None:
            alone = self._data is None and self._slot.pack is None
            self._open = self.path().open("rb") if alone else io.BytesIO(self.bytes())
        return self._open

    def _verify(self) -> None:
        """Read the blob once in a process: files of blobs appear whole and are never written again."""
        path = self._blobs.path(self._slot.digest)
        if path.exists() and _state(path) in _verified:
            return
        with _damage():
            self._blobs.check(self._slot.digest)
        if len(_verified) >= _KEPT:
            _verified.clear()
        _verified.add(_state(path))


@contextmanager
def _damage() -> Iterator[None]:
    """Say of a blob that is damaged or gone what to do about it: the step that made it is there to make it anew."""
    try:
        yield
    except (CorruptError, UnknownError) as error:
        raise type(error)(error.message, next=_ANEW) from error


def _state(path: Path) -> tuple[str, int, int, int]:
    found = os.stat(path)
    return str(path), found.st_ino, found.st_size, found.st_mtime_ns
