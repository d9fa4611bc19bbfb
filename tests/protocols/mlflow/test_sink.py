"""Files as they come: hashed, small ones in memory, large ones on disk, nothing left of those that break off."""

from __future__ import annotations

import hashlib
from pathlib import Path

from argosy.protocols.mlflow.sink import Sink
from argosy.store.blobs import Blobs
from argosy.store.tracking.files import INLINE


def test_a_small_file_stays_in_memory(tmp_path: Path) -> None:
    sink = Sink(Blobs(tmp_path))
    sink.add(b"small ")
    sink.add(b"file")
    sink.write()
    noted: list[str] = []
    assert sink.finish(noted.append) == (hashlib.sha256(b"small file").hexdigest(), 10, b"small file")
    assert list(tmp_path.iterdir()) == [] and noted == []


def test_a_large_file_lies_among_the_blobs(tmp_path: Path) -> None:
    blobs, chunk = Blobs(tmp_path), b"x" * (1 << 20)
    sink = Sink(blobs)
    for _ in range(3):
        assert sink.add(chunk)
        sink.write()
    there: dict[str, bool] = {}
    digest, size, data = sink.finish(lambda digest: there.update({digest: blobs.has(digest)}))
    assert there == {digest: False}  # whatever happens next, somebody knows of it
    assert (digest, size, data) == (hashlib.sha256(3 * chunk).hexdigest(), 3 << 20, None)
    assert blobs.get(digest) == 3 * chunk and blobs.drafts() == []


def test_nothing_is_left_of_a_file_that_breaks_off(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path)
    sink = Sink(blobs)
    sink.add(b"x" * (INLINE + 1))
    sink.write()
    assert len(blobs.drafts()) == 1
    sink.close()
    assert blobs.drafts() == []
