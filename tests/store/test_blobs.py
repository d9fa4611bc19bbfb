"""Blobs beyond the shipped suite: a disk that is full."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from argosy.errors import CapacityError
from argosy.store import Blobs
from tests.store.room import no_file_larger_than


@pytest.mark.fault
def test_a_blob_without_room_leaves_nothing(home: Path, tmp_path: Path) -> None:
    blobs = Blobs(home)
    kept = blobs.put(b"kept")
    big = tmp_path / "big"
    big.write_bytes(b"x" * 3_000_000)
    before = sorted(blobs.root.rglob("*"))
    puts: list[Callable[[], str]] = [lambda: blobs.put(big.read_bytes()), lambda: blobs.put_file(big)]
    for put in puts:
        with no_file_larger_than(1_000_000), pytest.raises(CapacityError, match="no room to write blob") as caught:
            put()
        assert "nothing was written" in caught.value.next
        assert sorted(blobs.root.rglob("*")) == before
    assert blobs.get(kept) == b"kept"
    assert blobs.get(blobs.put_file(big)) == big.read_bytes()
