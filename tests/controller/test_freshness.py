"""Freshness is watched between ingests: told in the plan and by why, and an event once a change."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from argosy.console import planned
from argosy.controller.action import Train, Wait, headline
from argosy.controller.apply import apply
from argosy.controller.house import House
from argosy.controller.loop import tick
from argosy.controller.plan import plan
from argosy.controller.survey import observe
from argosy.controller.why import why
from argosy.store import datasets, events
from argosy.store.store import Store
from argosy.testing.sample import ingest, moment, part
from tests.controller.world import PROJECT

DAY = timedelta(days=1)
NEWEST = moment(24)
"""The newest event of a part, as `sample.part` makes it."""


@pytest.fixture
def house(home: Path, tmp_path: Path) -> Iterator[House]:
    """A house whose dataset may be a day old; its rows are of one day."""
    module = tmp_path / "project" / "project.py"
    (module.parent / "data").mkdir(parents=True)
    contract = 'time="t", contract=ag.Contract(freshness="1d"),'
    module.write_text(PROJECT.replace('time="t",', contract))
    with Store.open(home) as store, House(store) as made:
        apply(store, module, moment(), "tester")
        with store.write() as tx:
            datasets.commit(tx, ingest("flights", "january"))
        yield made


def told(house: House) -> list[tuple[str, str]]:
    with house.store.read() as conn:
        found = events.of_subject(conn, "flights")
    return [(each.kind, each.message) for each in reversed(found) if each.kind in ("stale", "fresh")]


def test_a_feed_that_died_is_told_of_once_and_so_is_its_return(house: House) -> None:
    for hours in (1, 23):
        tick(house, NEWEST + timedelta(hours=hours), only=(Train,))
    assert told(house) == []
    for hours in (25, 26, 50):
        tick(house, NEWEST + timedelta(hours=hours), only=(Train,))
    stale = ("stale", "flights: the newest event is 1d 1h old, more than 1d")
    assert told(house) == [stale]
    with house.store.write() as tx:
        late = part("february", low=24, high=72)
        datasets.commit(tx, msgspec.structs.replace(ingest("flights", after=1), parts=[late]))
    for hours in (50, 51):
        tick(house, NEWEST + timedelta(hours=hours), only=(Train,))
    assert told(house) == [stale, ("fresh", "flights: its newest event is young enough again")]
    tick(house, NEWEST + timedelta(days=9), only=(Train,))
    assert [kind for kind, _ in told(house)] == ["stale", "fresh", "stale"]


def test_the_plan_and_why_tell_of_it_and_nothing_is_blocked(house: House) -> None:
    now = NEWEST + 3 * DAY
    snapshot = observe(house, now)
    said = "the newest event is 3d old, more than 1d; its rows are used as they are"
    assert Wait("new rows of flights", (), said) in plan(snapshot, now).actions
    assert snapshot.blocked == {}
    with house.store.read() as conn:
        steps = planned.page(conn, now).data.steps
        dataset, fleet = why(conn, snapshot, "flights", now), why(conn, snapshot, "late", now)
    assert snapshot.pending == {"flights": ()} and snapshot.fleets["late"].segments == 0
    assert [(each.headline, each.why) for each in steps] == [
        (headline(each), each.why) for each in plan(snapshot, now).actions
    ]
    assert dataset.summary.startswith("stale: version 1 ")
    assert {each.title: each.says for each in dataset.topics}["Freshness"] == f"stale: {said}"
    (data,) = [each for each in fleet.topics if each.title == "Data"]
    assert "flights: @1, stale: the newest event is 3d old, more than 1d" in data.details
    assert observe(house, NEWEST).stale == {}
