"""Owners: where a project was applied from, and which module is another one."""

from __future__ import annotations

from pathlib import Path

import pytest

from argosy.controller import owner
from argosy.errors import ConflictError
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


def test_a_place_that_cannot_be_looked_at_is_still_there(tmp_path: Path) -> None:
    (module := tmp_path / "shop.py").touch()
    closed = tmp_path / ("x" * 300) / "shop.py"  # too long a name: the system refuses to look, whoever asks
    with pytest.raises(ConflictError, match="which cannot be looked at") as refused:
        owner.check_place(closed, module, [("fleet", "late")])
    assert "--take-from shop" in refused.value.next


def test_a_place_that_is_gone_or_the_same_is_no_other(tmp_path: Path) -> None:
    (module := tmp_path / "shop.py").touch()
    (link := tmp_path / "link.py").symlink_to(module)
    for before in (module, link, tmp_path / "gone" / "shop.py", module / "shop.py"):
        owner.check_place(before, module, [("fleet", "late")])
