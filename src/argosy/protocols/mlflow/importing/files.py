"""Artifacts of runs and logged models: streamed into this home, several at once, and found there again."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from datetime import datetime
from functools import partial
from urllib.parse import urlsplit

from argosy.errors import ConflictError, InputError, UsageError
from argosy.protocols.mlflow.importing.client import LostError
from argosy.protocols.mlflow.importing.passage import Passage, reason
from argosy.protocols.mlflow.importing.report import FILE
from argosy.protocols.mlflow.importing.source import SERVED, File
from argosy.protocols.mlflow.sink import Sink
from argosy.store.tracking import files, place

_WAITING = 64
"""Files of one run that wait for their download at once."""
_OURS = frozenset({"", "file", "http", "https", "models", "runs", SERVED})


def stays(location: str) -> bool:
    """Whether artifacts at a location stay there: it is an object store, which clients reach by themselves."""
    return urlsplit(location).scheme.lower() not in _OURS


def bring(passage: Passage, name: str, there: str, here: str, beside: Sequence[str]) -> tuple[bool, int]:
    """Bring the files of a run or a logged model, which lie at `there` and are to lie at `here`.

    Returns whether all are here now, or are where they should stay, and how many came.
    """
    if stays(there):
        return _kept(passage, name, there, here), 0
    if not here.startswith(place.SCHEME):
        passage.report.add(FILE, found=1)
        passage.report.fail(FILE, name, f"its experiment keeps artifacts at {here}: copy them there from {there}")
        return False, 0
    root = here.removeprefix(place.SCHEME).strip("/")
    with passage.store.read() as conn:
        known = {path: size for path, (_, size) in files.below(conn, root).items()}
    work = _Work(passage, name, root, known)
    try:
        for each in passage.source.files(there, beside):
            work.take(each)
    except LostError:
        raise
    except Exception as error:  # a listing that fails is the end of this one alone
        passage.report.add(FILE, found=1)
        work.fail(f"{name}: {there}", error)
    return work.end()


def _kept(passage: Passage, name: str, there: str, here: str) -> bool:
    if there.rstrip("/") == here.rstrip("/"):
        passage.report.stay(there.partition(f"/{name}")[0])
        return True
    passage.report.add(FILE, found=1)
    passage.report.fail(FILE, name, f"artifacts stay at {there[:300]}, where this home does not look: it has {here}")
    return False


class _Work:
    """The files of one run or model; `known` are the bytes of those that are here."""

    def __init__(self, passage: Passage, name: str, root: str, known: dict[str, int]) -> None:
        self._passage, self._name, self._root, self._known = passage, name, root, known
        self._waiting: list[tuple[File, Future[int]]] = []
        self._failed = False
        self._came = 0

    def take(self, file: File) -> None:
        """Have a file brought, unless it is here."""
        report = self._passage.report
        report.add(FILE, found=1)
        try:
            path = place.path(f"{self._root}/{file.path}")
        except UsageError as error:
            self.fail(file.path, error)
            return
        size = self._known.get(path)
        if size is not None and file.bytes in (None, size):
            report.add(FILE, there=1)
        elif size is not None:
            self.fail(file.path, ConflictError(f"it is here with {size:,} bytes, and there with {file.bytes or 0:,}"))
        else:
            if len(self._waiting) >= _WAITING:
                wait([future for _, future in self._waiting], return_when=FIRST_COMPLETED)
                self._settle(whole=False)
            self._waiting.append((file, self._passage.downloads.submit(self._bring, file, path)))

    def end(self) -> tuple[bool, int]:
        """Wait for all; whether none failed, and how many came. Raises LostError."""
        self._settle(whole=True)
        return not self._failed, self._came

    def fail(self, what: str, error: Exception) -> None:
        """Tell of one that failed."""
        self._failed = True
        self._passage.report.fail(FILE, f"{self._name}/{what}", reason(error))

    def _settle(self, *, whole: bool) -> None:
        """Take what is done off those that wait; all where `whole`."""
        lost: LostError | None = None
        left: list[tuple[File, Future[int]]] = []
        for file, future in self._waiting:
            if not whole and not future.done():
                left.append((file, future))
                continue
            try:
                self._passage.report.add(FILE, brought=1, bytes=future.result())
                self._came += 1
            except LostError as error:
                lost = error
            except Exception as error:  # one file that fails stops no other
                self.fail(file.path, error)
        self._waiting = left
        if lost is not None:
            raise lost

    def _note(self, at: datetime, digest: str) -> None:
        """Tell the collector of bytes before they are there."""
        self._passage.write(lambda tx: files.expect(tx, digest, at))

    def _bring(self, file: File, path: str) -> int:
        """Bring one; returns its bytes. It is there whole or not at all."""
        passage = self._passage
        sink = Sink(passage.store.blobs)
        try:
            for chunk in passage.source.read(file):
                if sink.add(chunk):
                    sink.write()
            sink.write()
            digest, size, data = sink.finish(partial(self._note, passage.hand.at))
            if file.bytes is not None and size != file.bytes:
                raise InputError(f"it has {size:,} bytes, and was listed with {file.bytes:,}", next="try again")
            passage.write(lambda tx: files.put(tx, path, digest, size, passage.hand, data))
            return size
        finally:
            sink.close()
