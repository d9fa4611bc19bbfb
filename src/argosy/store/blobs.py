"""Bytes by the SHA-256 of their content, in a directory. A file appears whole or not at all."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

import msgspec

from argosy.errors import CapacityError, CorruptError, InputError, UnknownError

_DIGEST = re.compile(r"[0-9a-f]{64}")
_DRAFT = re.compile(r"\.[0-9a-f]{32}")
_CHUNK = 1 << 20
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class Slot(msgspec.Struct, frozen=True):
    """Where one small blob lies: `bytes` bytes from `start` of the blob `pack` (its own file if None)."""

    digest: str
    pack: str | None
    start: int
    bytes: int


class Blobs:
    """A content-addressed directory. Threads and processes may share it.

    Whatever is put is on disk (file and directory synced) before its digest is returned, and
    whatever is got matches its digest: else `CorruptError`. A full disk raises `CapacityError`
    and leaves nothing behind. Putting a damaged blob again mends it.
    """

    def __init__(self, root: Path) -> None:
        """Keep blobs under `root`, which is made when the first one is put."""
        self.root = Path(root).expanduser().resolve()
        self._durable: set[Path] = set()

    def path(self, digest: str) -> Path:
        """The file of a digest, whether or not it exists. Anything but 64 hex digits raises `InputError`."""
        if not isinstance(digest, str) or not _DIGEST.fullmatch(digest):
            raise InputError(f"{str(digest)[:80]!r} is no content address", next="pass 64 lower-case hex digits")
        return self.root / digest[:2] / digest

    def put(self, data: bytes) -> str:
        """Store `data`; returns its digest."""
        digest = hashlib.sha256(data).hexdigest()
        target = self.path(digest)
        with room(digest):
            if target.exists() and _hash(_chunks(target)) == digest:
                os.utime(target)  # put again: whoever collects what nobody needs must know
                self._settle(target)
            else:
                self._write(iter((data,)))
        return digest

    def put_file(self, path: Path) -> str:
        """Store a copy of the file at `path`, streamed; returns its digest."""
        with room(str(path)):
            return self._write(_chunks(Path(path)))

    def get(self, digest: str) -> bytes:
        """The bytes of a digest, verified. Raises `UnknownError` or `CorruptError`."""
        data = self._bytes(digest, 0, None)
        _verify(digest, data)
        return data

    def check(self, digest: str) -> None:
        """Read the whole blob, streamed, and raise `CorruptError` unless it matches its digest."""
        path = self.path(digest)
        if not path.exists():
            raise _unknown(digest)
        if _hash(_chunks(path)) != digest:
            raise _corrupt(digest)

    def has(self, digest: str) -> bool:
        """Whether there is a file for this digest."""
        return self.path(digest).is_file()

    def pack(self, contents: Sequence[bytes]) -> list[Slot]:
        """Store many small blobs as one file, in order; one sync for all of them. Equal contents share a slot."""
        if not contents:
            return []
        starts: dict[str, tuple[int, int]] = {}
        distinct: list[bytes] = []
        digests = [hashlib.sha256(content).hexdigest() for content in contents]
        end = 0
        for digest, content in zip(digests, contents, strict=True):
            if digest not in starts:
                starts[digest] = (end, len(content))
                distinct.append(content)
                end += len(content)
        pack = self.put(b"".join(distinct))
        return [Slot(digest, pack, *starts[digest]) for digest in digests]

    def read(self, slot: Slot) -> bytes:
        """The bytes of a slot, verified against the slot's own digest."""
        if slot.pack is None:
            return self.get(slot.digest)
        data = self._bytes(slot.pack, slot.start, slot.bytes)
        _verify(slot.digest, data)
        return data

    def read_many(self, slots: Iterable[Slot]) -> list[bytes]:
        """`read` for each slot, opening each pack once."""
        slots = list(slots)
        by_pack: dict[str, list[int]] = {}
        for index, slot in enumerate(slots):
            by_pack.setdefault(slot.pack or slot.digest, []).append(index)
        out: list[bytes] = [b""] * len(slots)
        for pack, indices in by_pack.items():
            with self._open(pack) as file:
                for index in indices:
                    slot = slots[index]
                    file.seek(slot.start)
                    out[index] = file.read(slot.bytes)
                    _verify(slot.digest, out[index])
        return out

    def draft(self) -> Path:
        """A file to be written and then adopted: nobody looks for its name, and it does not exist yet."""
        self.root.mkdir(parents=True, exist_ok=True)
        return self.root / f".{uuid.uuid4().hex}"

    def adopt(self, draft: Path, digest: str) -> None:
        """Sync a draft and make it the blob of `digest`, which is the caller's word for what it wrote."""
        with room(digest):
            _sync(draft)
            self._place(draft, digest)

    def collect(self, digest: str, before: datetime) -> bool:
        """Remove a blob that nobody needs, unless it was put since a moment; whether it is gone."""
        path = self.path(digest)
        with suppress(FileNotFoundError):
            if path.stat().st_mtime >= before.timestamp():
                return False
            path.unlink()
        return True

    def drafts(self) -> list[Path]:
        """Files that are being written now, or that who wrote them was killed over: no blobs yet."""
        return [path for path in self.root.glob(".*") if _DRAFT.fullmatch(path.name)]

    def _open(self, digest: str) -> BinaryIO:
        try:
            return self.path(digest).open("rb")
        except FileNotFoundError:
            raise _unknown(digest) from None

    def _bytes(self, digest: str, start: int, length: int | None) -> bytes:
        with self._open(digest) as file:
            file.seek(start)
            return file.read() if length is None else file.read(length)

    def _write(self, chunks: Iterator[bytes]) -> str:
        """Write a draft, then move it to the digest of what was written."""
        temporary = self.draft()
        content = hashlib.sha256()
        try:
            with temporary.open("xb") as file:
                for chunk in chunks:
                    content.update(chunk)
                    file.write(chunk)
                file.flush()
                os.fsync(file.fileno())
            digest = content.hexdigest()
            self._place(temporary, digest)
        finally:
            temporary.unlink(missing_ok=True)
        return digest

    def _place(self, draft: Path, digest: str) -> None:
        """Move a file that is on disk to the place of its digest."""
        target = self.path(digest)
        if not target.parent.is_dir():
            target.parent.mkdir(exist_ok=True)
            self._durable.discard(target.parent)
        draft.replace(target)
        self._settle(target)

    def _settle(self, target: Path) -> None:
        """Sync the folder of a file; once, those above it too: whoever made them may have died before it did."""
        _sync(target.parent)
        if target.parent not in self._durable:
            for folder in (self.root, self.root.parent):
                _sync(folder)
            self._durable.add(target.parent)


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            yield chunk


def _hash(chunks: Iterator[bytes]) -> str:
    digest = hashlib.sha256()
    for chunk in chunks:
        digest.update(chunk)
    return digest.hexdigest()


def _verify(digest: str, data: bytes) -> None:
    if hashlib.sha256(data).hexdigest() != digest:
        raise _corrupt(digest)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def room(name: str) -> Iterator[None]:
    """Turn the error of a full disk, or of a file too large for it, into `CapacityError`."""
    try:
        yield
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
        raise CapacityError(
            f"no room to write blob {name}: {error.strerror}", next="free disk space; nothing was written"
        ) from error


def _unknown(digest: str) -> UnknownError:
    return UnknownError(f"there is no blob {digest}", next="restore it from a backup, or make it again")


def _corrupt(digest: str) -> CorruptError:
    return CorruptError(
        f"blob {digest} does not match its content address", next="restore it from a backup, or make it again"
    )
