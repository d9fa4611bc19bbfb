from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from argosy.engine.local import Local
from argosy.pipelines import element
from argosy.pipelines.claiming import Shard
from argosy.store import Store
from tests.pipelines import works
from tests.pipelines.runs import Place


@pytest.fixture
def place(home: Path) -> Iterator[Place]:
    with Store.open(home) as store, Local(1) as engine:
        yield Place(store, engine)


def test_a_run_whose_beginning_is_known_claims_the_rest_and_waits_for_nobody(place: Place) -> None:
    place.run(works.chain, n=2)
    runner = place.begin(works.chain, n=4)
    due = runner.advance()
    assert len(due) == 1
    with place.store.read() as conn:
        owned = conn.exec_driver_sql(f"SELECT count(*) FROM claim WHERE run_id = {runner.run.id}").scalar_one()
    assert owned == 2


def test_a_shard_that_begins_more_of_its_part_while_the_rest_is_about_to_land_keeps_its_claim(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(element, "WINDOW", 2)
    runner = place.begin(works.wide, shard=Shard(0, 2), n=8)
    place.drive(runner)
    assert place.results(runner) == [36]
    with place.store.read() as conn:
        assert conn.exec_driver_sql("SELECT count(*) FROM claim").scalar_one() == 0
