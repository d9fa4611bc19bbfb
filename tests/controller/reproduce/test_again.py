"""Doing trainings and runs again in homes of their own."""

from __future__ import annotations

from pathlib import Path

import pytest

from argosy.controller.house import House
from argosy.controller.reproduce import recipe
from argosy.controller.reproduce.again import Report, again
from argosy.controller.reproduce.recipe import Trained
from argosy.store import Store, members, versions


def files(store: Store) -> dict[Path, tuple[int, int]]:
    """What lies in the directory of blobs, with sizes and times."""
    found = (path for path in store.blobs.root.rglob("*") if path.is_file())
    return {path: (path.stat().st_size, path.stat().st_mtime_ns) for path in found}


def reproduce(store: Store, name: str, place: Path) -> Report:
    with store.read() as conn:
        found = recipe.find(conn, name)
    assert isinstance(found, recipe.Piped | Trained)
    return again(store, found, place, variables={})


@pytest.mark.slow
def test_versions_with_views_and_categories_come_out_as_the_same_bytes(house: House, tmp_path: Path) -> None:
    before = files(house.store)
    with house.store.read() as conn:
        keys = {id: key for key, id in members.ids(conn, "late-arrival").items()}
        found = [keys[version.member_id] for version in versions.of(conn, keys)]
    own = next(key for key in found if key != "*")
    for number, name in enumerate((f"late-arrival/{own}@1", "late-arrival/*@1")):
        report = reproduce(house.store, name, tmp_path / f"again{number}")
        assert report.compared.alike, report.compared.differences
        assert report.compared.same["artifact"] == 2 and report.compared.same["metric"] > 1
        assert any(".features." in dataset for dataset in report.datasets)
    assert files(house.store) == before
