"""A disk that is full: a clear error, nothing half written, and the store works again once there is room."""

from __future__ import annotations

import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from argosy.errors import CapacityError
from argosy.store import Store, events
from argosy.testing.sample import moment

pytestmark = pytest.mark.fault


@contextmanager
def _no_file_larger_than(size: int) -> Iterator[None]:
    """The kernel refuses to let any file grow past `size`, as it does on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def _event(message: str) -> events.NewEvent:
    return events.NewEvent(at=moment(), kind="k", subject="s", actor="a", message=message)


@pytest.fixture
def store(home: Path) -> Iterator[Store]:
    with Store.open(home) as store:
        yield store


def test_a_blob_without_room_leaves_nothing(store: Store, tmp_path: Path) -> None:
    kept = store.blobs.put(b"kept")
    big = tmp_path / "big"
    big.write_bytes(b"x" * 3_000_000)
    before = sorted(store.blobs.root.rglob("*"))
    puts: list[Callable[[], str]] = [lambda: store.blobs.put(big.read_bytes()), lambda: store.blobs.put_file(big)]
    for put in puts:
        with _no_file_larger_than(1_000_000), pytest.raises(CapacityError, match="no room to write blob") as caught:
            put()
        assert "nothing was written" in caught.value.next
        assert sorted(store.blobs.root.rglob("*")) == before
    assert store.blobs.get(kept) == b"kept"
    assert store.blobs.get(store.blobs.put_file(big)) == big.read_bytes()


def test_facts_without_room_leave_nothing(store: Store, home: Path) -> None:
    with store.write() as tx:
        events.add(tx, [_event("before")])
    largest = max(path.stat().st_size for path in home.glob("argosy.db*"))
    many = [_event("x" * 1000) for _ in range(20_000)]
    with (
        _no_file_larger_than(largest + 100_000),
        pytest.raises(CapacityError, match="no room left"),
        store.write() as tx,
    ):
        events.add(tx, many)
    with store.read() as conn:
        assert [event.message for event in events.since(conn)] == ["before"]
    with store.write() as tx:
        events.add(tx, [_event("after")])
    with store.read() as conn:
        assert [event.message for event in events.since(conn)] == ["before", "after"]
