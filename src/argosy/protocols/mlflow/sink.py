"""Files as they come over the network: hashed, and written to disk unless they are small."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from argosy.store.blobs import Blobs, room
from argosy.store.tracking import files

_CHUNK = 1 << 20


class Sink:
    """Takes a file as it comes, and hashes it; a small one stays in memory, a large one never is there whole."""

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs
        self._hash, self._size = hashlib.sha256(), 0
        self._held: list[bytes] = []
        self._waiting = 0
        self._draft: Path | None = None
        self._file: BinaryIO | None = None

    def add(self, chunk: bytes) -> bool:
        """Take a chunk; true once enough is held that it should be written."""
        self._held.append(chunk)
        self._waiting += len(chunk)
        return self._waiting >= _CHUNK

    def write(self) -> None:
        """Hash what is held, and write it unless all of it is small."""
        if self._file is None and self._size + self._waiting <= files.INLINE:
            return
        if self._file is None:
            self._draft = self._blobs.draft()
            self._file = self._draft.open("xb")
        with room("of an upload"):
            for chunk in self._held:
                self._hash.update(chunk)
                self._file.write(chunk)
        self._size += self._waiting
        self._held, self._waiting = [], 0

    def finish(self, note: Callable[[str], object]) -> tuple[str, int, bytes | None]:
        """Digest, size and, of a small file, the bytes; a large one lies among the blobs, once `note` knows of it."""
        if self._file is None or self._draft is None:
            data = b"".join(self._held)
            return hashlib.sha256(data).hexdigest(), len(data), data
        self._file.close()
        note(digest := self._hash.hexdigest())
        self._blobs.adopt(self._draft, digest)
        return digest, self._size, None

    def close(self) -> None:
        """Leave nothing behind of a file that did not become whole."""
        if self._file is not None:
            self._file.close()
        if self._draft is not None:
            self._draft.unlink(missing_ok=True)
