"""What a database says when it refuses, in our words."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from argosy.errors import CapacityError, UnreachableError
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


def test_a_store_whose_file_is_gone_is_not_reached_and_a_backup_in_its_place_is(store: Store, home: Path) -> None:
    with store.write() as tx:
        events.add(tx, [_event("kept")])
    backup = home / "backup.db"
    with sqlite3.connect(home / "argosy.db") as here, sqlite3.connect(backup) as there:
        here.backup(there)
    with store.write() as tx:
        events.add(tx, [_event("lost")])
    for path in home.glob("argosy.db*"):
        path.unlink()
    for opened in (store.read, store.write):
        with pytest.raises(UnreachableError, match="is gone"), opened():
            pass
    assert not list(home.glob("argosy.db*"))
    backup.rename(home / "argosy.db")
    with store.write() as tx:
        events.add(tx, [_event("after")])
    with store.read() as conn:
        assert [event.message for event in events.since(conn)] == ["kept", "after"]


def test_a_database_that_is_away_is_told(home: Path) -> None:
    with pytest.raises(UnreachableError, match="the database does not answer: connection failed"):
        Store.open("postgresql://127.0.0.1:1/nobody", blobs=home / "blobs")
