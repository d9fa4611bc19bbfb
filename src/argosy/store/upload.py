"""Files that come in parts, in any order and over several connections, until somebody says that they are whole."""

from __future__ import annotations

import hashlib
import math
import re
import secrets
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from argosy.errors import InputError, UnknownError
from argosy.store.blobs import Blobs, room

MOST_PARTS = 10_000
ABANDONED = timedelta(days=1)
"""What nobody has touched for so long is thrown away."""
_NAME = re.compile(r"[0-9a-f]{32}")
_CHUNK = 1 << 20


class Upload(msgspec.Struct, frozen=True):
    """What is to become of the parts: so many of them, put together at `path`."""

    path: str
    parts: int


class Uploads:
    """Uploads beside the blobs, each a folder of its parts; processes may share them, and a restart loses none."""

    def __init__(self, blobs: Blobs) -> None:
        self._blobs, self._root = blobs, blobs.root / ".uploads"

    def begin(self, path: str, parts: int) -> str:
        """Begin one; returns its name. Raises InputError for a number of parts that cannot be."""
        if not 1 <= parts <= MOST_PARTS:
            raise InputError(f"{parts} parts cannot be", next=f"send 1 to {MOST_PARTS:,} parts")
        name = secrets.token_hex(16)
        folder = self._root / name
        folder.mkdir(parents=True)
        (folder / "about").write_bytes(msgspec.json.encode(Upload(path, parts)))
        return name

    def about(self, name: str) -> Upload:
        """What is to become of one. Raises UnknownError."""
        try:
            return msgspec.json.decode((self._folder(name) / "about").read_bytes(), type=Upload)
        except (FileNotFoundError, msgspec.MsgspecError):
            raise _unknown(name) from None

    def draft(self, name: str, number: int) -> Path:
        """A file to write a part into, which `keep` then takes. Raises InputError for a part that is none of it."""
        parts = self.about(name).parts
        if not 1 <= number <= parts:
            raise InputError(f"part {number} of upload {name} is none of its {parts}", next=f"send parts 1 to {parts}")
        return self._folder(name) / f".{number}-{secrets.token_hex(8)}"

    def keep(self, name: str, number: int, draft: Path) -> None:
        """Have a draft be a part; one that was sent before is replaced. Raises UnknownError where it is thrown away."""
        with _there(name):
            draft.replace(self._folder(name) / str(number))

    def finish(self, name: str, wanted: Sequence[int], note: Callable[[str], object]) -> tuple[str, int]:
        """Put all parts together; returns digest and bytes of the blob that they are now, once `note` knows of it.

        Raises InputError where a part is missing, or is not among those that the client says there are, and
        UnknownError where somebody else is done with it, or throws it away, meanwhile.
        """
        folder, parts = self._folder(name), self.about(name).parts
        there = [number for number in range(1, parts + 1) if (folder / str(number)).exists()]
        if list(wanted) != list(range(1, parts + 1)) or len(there) != parts:
            raise InputError(
                f"upload {name} has {len(there)} of {parts} parts, and {len(wanted)} are said to be there",
                next="send the missing ones",
            )
        draft, digest, size = self._blobs.draft(), hashlib.sha256(), 0
        try:
            with room("of an upload"), draft.open("xb") as target, _there(name):
                for number in there:
                    with (folder / str(number)).open("rb") as source:
                        while chunk := source.read(_CHUNK):
                            digest.update(chunk)
                            target.write(chunk)
                            size += len(chunk)
            note(digest.hexdigest())
            self._blobs.adopt(draft, digest.hexdigest())
        finally:
            draft.unlink(missing_ok=True)
        return digest.hexdigest(), size

    def drop(self, name: str) -> None:
        """Throw one away; one that is not there is thrown away already."""
        shutil.rmtree(self._folder(name), ignore_errors=True)

    def sweep(self, now: datetime) -> int:
        """Throw away what is abandoned; returns how many."""
        limit = now.timestamp() - ABANDONED.total_seconds()
        every = list(self._root.iterdir()) if self._root.is_dir() else []
        old = [each for each in every if _touched(each) < limit]
        for each in old:
            shutil.rmtree(each, ignore_errors=True)
        return len(old)

    def _folder(self, name: str) -> Path:
        if not _NAME.fullmatch(name):
            raise _unknown(repr(name[:80]))
        return self._root / name


def _touched(folder: Path) -> float:
    """When an upload was last written to; one whose files come and go meanwhile is being written to."""
    try:
        return max(path.stat().st_mtime for path in (folder, *folder.iterdir()))
    except FileNotFoundError:
        return math.inf


@contextmanager
def _there(name: str) -> Iterator[None]:
    """Tell that an upload is gone where a file of it is."""
    try:
        yield
    except FileNotFoundError:
        raise _unknown(name) from None


def _unknown(name: str) -> UnknownError:
    return UnknownError(f"there is no upload {name}", next="begin another one")
