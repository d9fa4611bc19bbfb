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
    """A house whose fleet asks a person about every version; one member has two that nobody has judged."""
    module = tmp_path / "project" / "project.py"
    (module.parent / "data").mkdir(parents=True)
    module.write_text(PROJECT.replace('ag.Gate("log_loss", maximum=0.6)', "ag.Approval()"))
    with Store.open(home) as store, House(store) as made:
        apply(store, module, moment(), "tester")
        with store.write() as tx:
            datasets.commit(tx, ingest("flights", "january"))
            train(tx, FLEET, ["a"], hours=1)
        yield made


def gates(house: House, now: datetime) -> list[Gate]:
    """Ask as the controller would, until it has nothing more to ask; the actions that it took."""
    done: list[Gate] = []
    while asked := [a for a in plan(observe(house, now), now).actions if isinstance(a, Gate)]:
        assert len(done) < 5
        done += asked
        run(house, observe(house, now), asked[0], now)
    return done


def test_an_older_version_approved_after_a_newer_one_was_judged_takes_nothing_back(house: House) -> None:
    assert len(gates(house, moment(2))) == 1
    with house.store.write() as tx:
        (newer,) = train(tx, FLEET, ["a"], hours=3)
    assert [action.versions for action in gates(house, moment(4))] == [(newer.id,)]

    manual.approve(house.store, parse(f"{FLEET}/a@1"), True, "ann", "the first will do", moment(5))
    (asked,) = gates(house, moment(6))
    with house.store.read() as conn:
        older = versions.find(conn, FLEET, "a", 1)
        state = members.state(conn, FLEET, "a")
        assert older is not None and state is not None
        assert asked.versions == (older.id,)
        assert state.signals[signal.JUDGED] == newer.id
        found = {
            v.version_id: (v.passed, v.at) for v in verdicts.of(conn, [older.id, newer.id]) if "approval" in v.gate
        }
    assert found == {older.id: (True, moment(6)), newer.id: (None, moment(4))}
    waits = [a for a in plan(observe(house, moment(6)), moment(6)).actions if isinstance(a, Wait)]
    assert [wait.members for wait in waits if wait.about.startswith("approval")] == [("a",)]
