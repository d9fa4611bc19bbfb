"""Where formats write: memory, a draft, and a blob whose digest is that of its bytes."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from argosy.errors import CapacityError
from argosy.pipelines.formats.sink import SMALL, Sink
from argosy.store import Blobs
from tests.store.room import no_file_larger_than


@pytest.fixture
def blobs(tmp_path: Path) -> Blobs:
    return Blobs(tmp_path / "blobs")


def test_few_bytes_stay_in_memory(blobs: Blobs) -> None:
    sink = Sink(blobs)
    assert (sink.write(b"one"), sink.write(bytearray(b"two")), sink.tell()) == (3, 3, 6)
    saved = sink.finish()
    assert saved.data == b"onetwo"
    assert (saved.digest, saved.bytes) == (hashlib.sha256(b"onetwo").hexdigest(), 6)
    assert not blobs.root.exists()


def test_many_bytes_become_a_blob(blobs: Blobs) -> None:
    sink = Sink(blobs)
    for _ in range(3):
        sink.write(b"x" * SMALL)
    assert len(blobs.drafts()) == 1
    saved = sink.finish()
    assert (saved.data, saved.bytes) == (None, 3 * SMALL)
    assert blobs.get(saved.digest) == b"x" * 3 * SMALL
    assert blobs.drafts() == []


@pytest.mark.parametrize("count", [10, SMALL + 1])
def test_whoever_wants_a_name_writes_to_a_file(blobs: Blobs, count: int) -> None:
    sink = Sink(blobs)
    sink.write(b"begun ")
    with sink.path().open("ab") as file:
        file.write(b"y" * count)
    with pytest.raises(ValueError, match="write there"):
        sink.write(b"more")
    saved, content = sink.finish(), b"begun " + b"y" * count
    assert (saved.digest, saved.bytes) == (hashlib.sha256(content).hexdigest(), len(content))
    assert (saved.data or blobs.get(saved.digest)) == content
    assert blobs.drafts() == []


def test_a_library_may_close_the_file(blobs: Blobs) -> None:
    with Sink(blobs) as sink:
        sink.write(b"x" * (SMALL + 1))
    assert blobs.get(sink.finish().digest) == b"x" * (SMALL + 1)


def test_what_is_discarded_is_gone(blobs: Blobs) -> None:
    sink = Sink(blobs)
    sink.write(b"x" * (SMALL + 1))
    sink.discard()
    assert list(blobs.root.iterdir()) == []


@pytest.mark.fault
def test_a_full_disk_is_told_and_leaves_nothing(blobs: Blobs) -> None:
    sink = Sink(blobs)
    with no_file_larger_than(SMALL + 1000), pytest.raises(CapacityError, match="no room"):
        for _ in range(20):
            sink.write(b"x" * 100_000)
    sink.discard()
    assert blobs.drafts() == []


@given(st.lists(st.binary(max_size=50)))
def test_the_digest_is_that_of_the_bytes(pieces: list[bytes]) -> None:
    sink = Sink(Blobs(Path("unused")))
    for piece in pieces:
        sink.write(piece)
    assert sink.finish().digest == hashlib.sha256(b"".join(pieces)).hexdigest()
