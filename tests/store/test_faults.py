"""What a database says when it refuses, in our words."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from argosy.errors import CapacityError
from argosy.store import Store, events
from argosy.testing.sample import moment
from tests.store.room import no_file_larger_than

pytestmark = pytest.mark.fault


def _event(message: str) -> events.NewEvent:
    return events.NewEvent(at=moment(), kind="k", subject="s", actor="a", message=message)


@pytest.fixture
def store(home: Path) -> Iterator[Store]:
    with Store.open(home) as store:
        yield store


def test_facts_without_room_leave_nothing(store: Store, home: Path) -> None:
    with store.write() as tx:
        events.add(tx, [_event("before")])
    largest = max(path.stat().st_size for path in home.glob("argosy.db*"))
    many = [_event("x" * 1000) for _ in range(20_000)]
    with (
        no_file_larger_than(largest + 100_000),
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
