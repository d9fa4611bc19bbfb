"""What is wanted."""

from __future__ import annotations

from pathlib import Path

from argosy.controller.wanted import kinds, wanted
from argosy.store.store import Store
from tests.controller.world import populate


def test_what_is_wanted_is_what_was_applied(tmp_path: Path) -> None:
    with Store.open(tmp_path / "home") as store:
        populate(store, tmp_path / "project", 1)
        with store.read() as conn:
            found = wanted(conn)
    assert set(found) == {("dataset", "flights"), ("fleet", "late")}
    assert found["fleet", "late"].revision == 1
    assert found["fleet", "late"].project == "project"
    sources, views, fleets = kinds(found)
    assert (list(sources), list(views), list(fleets)) == (["flights"], [], ["late"])
