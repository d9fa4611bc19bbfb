"""What formats read from, wherever the bytes lie, and never other bytes than those of the digest."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

from argosy.errors import CorruptError, UnknownError
from argosy.pipelines.formats.source import Source
from argosy.store import Blobs, Slot

DATA = b"0123456789" * 10


def places(root: Path) -> list[Source]:
    """The same bytes inline, in a pack, and as a blob of their own."""
    blobs = Blobs(root / "blobs")
    slot = Slot(blobs.put(DATA), None, 0, len(DATA))
    _, packed = blobs.pack([b"before", DATA])
    scratch = root / "scratch"
    return [Source(slot, blobs, scratch, DATA), Source(packed, blobs, scratch), Source(slot, blobs, scratch)]


@pytest.mark.parametrize("place", range(3))
def test_bytes_are_the_same_wherever_they_lie(tmp_path: Path, place: int) -> None:
    source = places(tmp_path)[place]
    assert source.size == len(DATA)
    assert source.bytes() == bytes(source.buffer()) == source.path().read_bytes() == DATA
    assert source.read(10) + source.read() == DATA
    assert (source.seek(-3, io.SEEK_END), source.tell(), source.read()) == (97, 97, b"789")
    target = bytearray(4)
    source.seek(0)
    assert (source.readinto(target), target) == (4, b"0123")
    with io.TextIOWrapper(source) as text:
        assert text.read().endswith("456789")
    assert source.closed


def test_a_blob_of_its_own_is_not_copied(tmp_path: Path) -> None:
    inline, packed, alone = places(tmp_path)
    assert alone.path().is_relative_to(tmp_path / "blobs")
    assert not (tmp_path / "scratch").exists()
    for source in (inline, packed):
        assert source.path().is_relative_to(tmp_path / "scratch")


def test_folders_of_scratch_are_apart(tmp_path: Path) -> None:
    source = places(tmp_path)[0]
    assert source.folder() != source.folder()


@pytest.mark.fault
def test_flipped_bytes_are_never_read(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path / "blobs")
    slot = Slot(blobs.put(DATA), None, 0, len(DATA))
    with pytest.raises(CorruptError, match=slot.digest):
        Source(slot, blobs, tmp_path, b"x" + DATA[1:])
    assert Source(slot, blobs, tmp_path).path().read_bytes() == DATA  # and is known to be good from now on
    blobs.path(slot.digest).write_bytes(b"x" + DATA[1:])
    os.utime(blobs.path(slot.digest), ns=(1, 1))  # clocks of file systems are coarse
    for read in (Source.bytes, Source.path, Source.buffer, Source.read):
        with pytest.raises(CorruptError, match=slot.digest) as found:
            read(Source(slot, blobs, tmp_path))
        assert found.value.next == "run it again: it will be made anew"
    blobs.path(slot.digest).unlink()
    with pytest.raises(UnknownError, match=slot.digest) as gone:
        Source(slot, blobs, tmp_path).path()
    assert gone.value.next == "run it again: it will be made anew"
