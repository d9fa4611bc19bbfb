"""Asking the gates: each version once, whatever a person approves later."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from argosy.controller import signal
from argosy.controller.act.gate import run
from argosy.controller.action import Gate, Wait
from argosy.controller.apply import apply
from argosy.controller.house import House
from argosy.controller.plan import plan
from argosy.controller.survey import observe
from argosy.registry import manual
from argosy.registry.address import parse
from argosy.store import datasets, members, verdicts, versions
from argosy.store.store import Store
from argosy.testing.sample import ingest, moment, train
from tests.controller.world import FLEET, PROJECT


@pytest.fixture
def house(home: Path, tmp_path: Path) -> Iterator[House]:
    """A house whose fleet asks a person about every version; one member has one that nobody has judged."""
    module = tmp_path / "project" / "project.py"
    (module.parent / "data").mkdir(parents=True)
    module.write_text(PROJECT.replace('ag.Gate("log_loss", maximum=0.6)', "ag.Approval()"))
    with Store.open(home) as store, House(store) as made:
        apply(store, module, moment(), "tester")
        with store.write() as tx:
            datasets.commit(tx, ingest("flights", "january"))
            train(tx, FLEET, ["a"], hours=1, promoted=False)
        yield made


def gates(house: House, now: datetime) -> list[Gate]:
    """Ask as the controller would, until it has nothing more to ask; the actions that it took."""
    done: list[Gate] = []
    while asked := [a for a in plan(observe(house, now), now).actions if isinstance(a, Gate)]:
        assert len(done) < 5
        done += asked
        run(house, observe(house, now), asked[0], now)
    return done


def test_an_older_version_that_was_approved_takes_nothing_back(house: House) -> None:
    """It was approved while it was the newest; a newer one came before the gates were asked again."""
    assert len(gates(house, moment(2))) == 1
    manual.approve(house.store, parse(f"{FLEET}/a"), True, "ann", "the first will do", moment(3))
    with house.store.write() as tx:
        (newer,) = train(tx, FLEET, ["a"], hours=4, promoted=False)
    (asked,) = gates(house, moment(6))
    with house.store.read() as conn:
        older = versions.find(conn, FLEET, "a", 1)
        state = members.state(conn, FLEET, "a")
        assert older is not None and state is not None
        assert asked.versions == (older.id, newer.id)
        assert (state.signals[signal.JUDGED], state.champion_id) == (newer.id, older.id)
        found = {
            v.version_id: (v.passed, v.at) for v in verdicts.of(conn, [older.id, newer.id]) if "approval" in v.gate
        }
    assert found == {older.id: (True, moment(6)), newer.id: (None, moment(6))}
    assert waits(house, moment(6)) == [("a",)]


def test_a_version_that_a_person_promoted_waits_for_nobody(house: House) -> None:
    gates(house, moment(2))
    assert waits(house, moment(2)) == [("a",)]
    manual.promote(house.store, parse(f"{FLEET}/a"), "ann", "it will do", moment(3))
    assert waits(house, moment(3)) == []


def waits(house: House, now: datetime) -> list[tuple[str, ...]]:
    """For whose approval the controller waits."""
    actions = plan(observe(house, now), now).actions
    return [each.members for each in actions if isinstance(each, Wait) and each.about.startswith("approval")]
