"""Blobs: by content, whole or not at all, and never wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from argosy.errors import CorruptError, InputError, UnknownError
from argosy.store import Slot, Store
from argosy.testing.sample import digest


def _flip(path: Path, offset: int) -> None:
    data = bytearray(path.read_bytes())
    data[offset] ^= 1
    path.write_bytes(data)


class BlobsConformance:
    """Bytes."""

    def test_bytes_come_back_by_their_digest(self, store: Store, tmp_path: Path) -> None:
        """Also those of a file, and those of none."""
        big = tmp_path / "big"
        big.write_bytes(b"0123456789abcdef" * 200_000)
        for data, address in (
            (b"", store.blobs.put(b"")),
            (b"x", store.blobs.put(b"x")),
            (big.read_bytes(), store.blobs.put_file(big)),
        ):
            assert store.blobs.get(address) == data
            assert store.blobs.has(address)
            store.blobs.check(address)
        assert store.blobs.put(b"x") == digest("x")

    def test_small_blobs_share_a_pack(self, store: Store) -> None:
        """Each has its own digest; equal ones share a slot."""
        contents = [b"one", b"", b"three", b"one"]
        slots = store.blobs.pack(contents)
        assert [store.blobs.read(slot) for slot in slots] == contents == store.blobs.read_many(slots)
        assert len({slot.pack for slot in slots}) == 1
        assert slots[0] == slots[3]
        alone = Slot(store.blobs.put(b"alone"), None, 0, 5)
        assert store.blobs.read(alone) == b"alone" == store.blobs.read_many([alone])[0]
        assert store.blobs.pack([]) == []

    def test_a_flipped_byte_is_never_returned(self, store: Store) -> None:
        """The error names the digest; a neighbour in the pack is untouched; putting again mends."""
        address = store.blobs.put(b"precious")
        _flip(store.blobs.path(address), 3)
        for read in (store.blobs.get, store.blobs.check):
            with pytest.raises(CorruptError, match=address):
                read(address)
        store.blobs.put(b"precious")
        assert store.blobs.get(address) == b"precious"
        first, second = store.blobs.pack([b"first", b"second"])
        assert first.pack is not None
        _flip(store.blobs.path(first.pack), 0)
        with pytest.raises(CorruptError, match=first.digest):
            store.blobs.read(first)
        with pytest.raises(CorruptError, match=first.digest):
            store.blobs.read_many([second, first])
        assert store.blobs.read(second) == b"second"

    def test_an_unknown_blob_is_said_to_be(self, store: Store) -> None:
        """Not an error of the operating system."""
        for read in (store.blobs.get, store.blobs.check):
            with pytest.raises(UnknownError, match=digest("nothing")):
                read(digest("nothing"))
        assert not store.blobs.has(digest("nothing"))

    @pytest.mark.parametrize(
        "name", ["", "..", "../../etc/passwd", "a" * 63, "A" * 64, "a" * 64 + "\n", "a" * 64 + "/x"]
    )
    def test_only_a_digest_is_an_address(self, store: Store, name: str) -> None:
        """Nothing else reaches the file system."""
        with pytest.raises(InputError):
            store.blobs.get(name)
