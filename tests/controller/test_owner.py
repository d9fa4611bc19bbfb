"""Owners: where a project was applied from, and which module is another one."""

from __future__ import annotations

from pathlib import Path

from argosy.controller import owner
from argosy.store import events
from argosy.store.store import Store
from argosy.testing.sample import moment


def test_where_a_project_was_applied_is_known_whatever_happened_since(home: Path) -> None:
    kinds = ["applied", *["failed"] * 120]
    with Store.open(home) as store:
        with store.write() as tx:
            told = [
                events.NewEvent(at=moment(), kind=kind, subject="project:shop", actor="ann", message="m")
                for kind in kinds
            ]
            first = events.add(tx, told)[0]
        with store.read() as conn:
            last = owner.applied(conn, "shop")
            assert owner.applied(conn, "other") is None
    assert last is not None and last.id == first
