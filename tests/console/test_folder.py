"""The tree of a run's artifacts."""

from __future__ import annotations

from argosy.console import folder
from argosy.console.folder import Node
from argosy.store import Store
from tests.console import tracks


def test_few_files_are_one_tree(store: Store) -> None:
    with store.write() as tx:
        for path in ("1/r/artifacts/b.txt", "1/r/artifacts/model/x/y", "1/r/artifacts/model/a", "1/r2/artifacts/no"):
            tracks.put(store, tx, path, b"1234")
    with store.read() as conn:
        found = folder.read(conn, "1/r/artifacts", "model")
        assert folder.read(conn, "1/none/artifacts").nodes == ()
    inside = (Node("x", "model/x", None, (Node("y", "model/x/y", 4),)), Node("a", "model/a", 4))
    assert found.nodes == (Node("model", "model", None, inside), Node("b.txt", "b.txt", 4)) and found.path == ""


def test_of_many_files_a_folder_is_listed(store: Store) -> None:
    with store.write() as tx:
        for number in range(folder.MOST + 5):
            tracks.put(store, tx, f"1/r/artifacts/steps/{number:04d}", b"")
        tracks.put(store, tx, "1/r/artifacts/notes.md", b"")
    with store.read() as conn:
        top = folder.read(conn, "1/r/artifacts")
        steps = folder.read(conn, "1/r/artifacts", "steps")
        beside = folder.read(conn, "1/r/artifacts", "steps/0001")
    assert top.nodes == (Node("notes.md", "notes.md", 0), Node("steps", "steps")) and not top.more
    assert len(steps.nodes) == folder.MOST and steps.more and steps.nodes[1].path == "steps/0001"
    assert beside == steps
