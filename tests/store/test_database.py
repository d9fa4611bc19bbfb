"""A SQLite home under many hands: each waits for its turn, for so long and no longer."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from argosy.errors import ConflictError, CorruptError
from argosy.store import Store, database


@contextmanager
def held(home: Path) -> Iterator[sqlite3.Connection]:
    """Another connection in the midst of a write to a new file, whose journal mode nobody has set yet."""
    other = sqlite3.connect(home / "argosy.db", isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield other
    finally:
        other.close()


def test_a_new_home_waits_for_who_is_writing_to_its_file(home: Path) -> None:
    with held(home) as other:
        release = threading.Timer(0.5, other.execute, ["COMMIT"])
        release.start()
        try:
            Store.open(home).close()
        finally:
            release.join()
        assert other.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_patience_ends(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "PATIENCE", 0.1)
    with held(home), pytest.raises(ConflictError, match="busy with other writers") as caught:
        Store.open(home)
    assert "try again" in caught.value.next


def test_what_is_no_database_is_said_at_once(home: Path) -> None:
    (home / "argosy.db").write_bytes(b"not a database" * 100)
    with pytest.raises(CorruptError, match="the store is damaged: file is not a database"):
        Store.open(home)
    assert (home / "argosy.db").read_bytes().startswith(b"not a database")
