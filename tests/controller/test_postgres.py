"""The same loop with its facts on PostgreSQL ends in the same facts."""

from __future__ import annotations

from pathlib import Path

import pytest

from argosy.controller import survey
from argosy.controller.apply import apply
from argosy.controller.house import House
from argosy.controller.loop import tick
from argosy.store.store import Store
from tests.controller.conftest import START

FLEET = "late-arrival"
SAME = ("key", "version_number", "version_rows", "version_key", "target", "champion_number", "rollout_state", "rows")


@pytest.mark.slow
@pytest.mark.postgres
def test_a_fleet_on_postgres_is_the_fleet_on_sqlite(
    postgres: str, project: Path, landed: Path, trained: Path, tmp_path: Path
) -> None:
    with Store.open(postgres, blobs=tmp_path / "pg" / "blobs") as store:
        apply(store, project / "flights.py", START, "tester")
        with House(store, workers=2) as house:
            assert not [each.said for each in tick(house, START) if each.failed]
            assert tick(house, START) == []
            found = survey.observe(house, START).fleets[FLEET].table.select(SAME)
    with Store.open(trained) as store, House(store, workers=1) as house:
        wanted = survey.observe(house, START).fleets[FLEET].table.select(SAME)
    assert found.equals(wanted, null_equal=True)
