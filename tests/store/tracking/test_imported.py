"""What was brought is known again, until it is purged."""

from __future__ import annotations

from datetime import timedelta

from argosy.store import Store
from argosy.store.codec import EPOCH
from argosy.store.tracking import imported, runs, trash
from argosy.store.tracking.changes import Hand
from argosy.store.tracking.imported import Import


def test_what_was_brought_is_known_with_what_it_was(store: Store, hand: Hand) -> None:
    with store.write() as tx:
        imported.mark(tx, "a", "1f", hand)
        imported.mark(tx, "b", "2f", hand)
        imported.complete(tx, "b", hand)
        imported.complete(tx, "c", hand)
    with store.read() as conn:
        assert imported.of(conn, ["a", "b", "c", "d"]) == {"a": Import("1f", False), "b": Import("2f", True)}


def test_what_is_purged_may_be_brought_again(store: Store, hand: Hand) -> None:
    with store.write() as tx:
        gone, kept = (runs.create(tx, 0, name, EPOCH, hand).run for name in ("gone", "kept"))
        for run in (gone, kept):
            imported.mark(tx, run, "1f", hand)
        runs.delete(tx, gone, hand)
    trash.purge(store, hand.at + timedelta(days=31))
    with store.read() as conn:
        assert set(imported.of(conn, [gone, kept])) == {kept}
