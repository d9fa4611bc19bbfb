"""Files that clients put: read, listed by folder, replaced and removed."""

from __future__ import annotations

import hashlib

import pytest

from argosy.errors import UnknownError, UsageError
from argosy.store import Store, artifacts
from argosy.store.tracking import files
from argosy.store.tracking.changes import Hand
from argosy.store.tracking.files import Entry


def put(store: Store, hand: Hand, path: str, data: bytes) -> None:
    with store.write() as tx:
        files.put(tx, path, hashlib.sha256(data).hexdigest(), len(data), hand, data)


def test_what_was_put_last_lies_there(store: Store, hand: Hand) -> None:
    for data in (b"one", b"two"):
        put(store, hand, "0/r/artifacts/a.txt", data)
    with store.read() as conn:
        assert artifacts.content(store.blobs, files.get(conn, "0/r/artifacts/a.txt")) == b"two"
        with pytest.raises(UnknownError, match="there is no artifact"):
            files.get(conn, "0/r/artifacts")


def test_folders_are_listed_one_level_at_a_time(store: Store, hand: Hand) -> None:
    for path in ("r/a", "r/b/c", "r/b/d/e", "r/b.txt", "r/b0", "r/ü/x", "s/y", "r/zz"):
        put(store, hand, path, path.encode())
    with store.read() as conn:
        assert files.listed(conn, "r") == [
            Entry("a", 3), Entry("b.txt", 7), Entry("b", None), Entry("b0", 4), Entry("zz", 4), Entry("ü", None),
        ]  # fmt: skip
        assert files.listed(conn, "") == [Entry("r", None), Entry("s", None)]
        assert files.listed(conn, "r/b") == [Entry("c", 5), Entry("d", None)]
        assert files.listed(conn, "r/a") == files.listed(conn, "nowhere") == []
        assert list(files.below(conn, "r/b")) == ["r/b/c", "r/b/d/e"]


@pytest.mark.parametrize(("first", "second"), [("r/a", "r/a/b"), ("r/a", "r/a/b/c"), ("r/a/b", "r/a"), ("r/a/b", "r")])
def test_nothing_is_a_file_and_a_folder(store: Store, hand: Hand, first: str, second: str) -> None:
    for path in (first, f"{first}0", f"{first}.txt", first):
        put(store, hand, path, b"x")
    with pytest.raises(UsageError, match=f"'{second}' cannot lie beside '{first}"):
        put(store, hand, second, b"y")
    with store.read() as conn:
        assert [path for path, _ in files.below(conn, "r").items()] == sorted([first, f"{first}.txt", f"{first}0"])


def test_a_folder_of_thousands_is_listed_whole(store: Store, hand: Hand) -> None:
    digest = hashlib.sha256(b"x").hexdigest()
    with store.write() as tx:
        for n in range(2500):
            files.put(tx, f"r/f/{n:04}", digest, 1, hand, b"x")
            files.put(tx, f"r/d{n % 3}/{n:04}", digest, 1, hand, b"x")
    with store.read() as conn:
        assert [each.name for each in files.listed(conn, "r/f")] == [f"{n:04}" for n in range(2500)]
        assert files.listed(conn, "r") == [Entry(name, None) for name in ("d0", "d1", "d2", "f")]


def test_a_folder_is_removed_with_all_below_it(store: Store, hand: Hand) -> None:
    for path in ("r/b/c", "r/b/d/e", "r/b.txt"):
        put(store, hand, path, b"x")
    with store.write() as tx:
        assert files.remove(tx, "r/b", hand.at) == 2
    with store.read() as conn:
        assert files.listed(conn, "r") == [Entry("b.txt", 1)]
