"""Asking the gates: each version once, whatever a person approves later and whoever is declared to be asked."""

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
from argosy.controller.standing import standing
from argosy.controller.survey import observe
from argosy.errors import ConflictError
from argosy.registry import manual
from argosy.registry.address import parse
from argosy.store import datasets, members, routes, verdicts, versions
from argosy.store.store import Store
from argosy.testing.sample import ingest, moment, train
from tests.controller.world import FLEET, PROJECT


@pytest.fixture
def house(home: Path, tmp_path: Path) -> Iterator[House]:
    """A house whose fleet asks a person about every version; one member has one that nobody has judged."""
    (tmp_path / "project" / "data").mkdir(parents=True)
    with Store.open(home) as store, House(store) as made:
        declare(made, tmp_path, "ag.Approval()", moment())
        with store.write() as tx:
            datasets.commit(tx, ingest("flights", "january"))
            train(tx, FLEET, ["a"], hours=1, promoted=False)
        yield made


def declare(house: House, folder: Path, gates: str, now: datetime) -> None:
    """Apply the project with these gates."""
    module = folder / "project" / "project.py"
    module.write_text(PROJECT.replace('ag.Gate("log_loss", maximum=0.6)', gates))
    apply(house.store, module, now, "tester")


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


def stands(house: House, now: datetime) -> tuple[str, str]:
    """The status of the member, and why."""
    with house.store.read() as conn:
        found = standing(conn, FLEET, now)
        assert found is not None
        return found.table["status"][0], found.table["reason"][0]


def settled(house: House, now: datetime) -> bool:
    """Whether another pass asks no gate and records nothing that servers look at."""
    with house.store.read() as conn:
        before = routes.mark(conn)
    asked = gates(house, now)
    with house.store.read() as conn:
        return not asked and routes.mark(conn) == before


def test_a_gate_that_is_named_anew_asks_once_and_waits(house: House, tmp_path: Path) -> None:
    declare(house, tmp_path, 'ag.Approval("ops")', moment(1))
    gates(house, moment(2))
    declare(house, tmp_path, 'ag.Approval("ml")', moment(3))
    assert waits(house, moment(3)) == []
    assert stands(house, moment(3)) == ("new", "version 1 waits for its gates; nothing answers yet")
    (asked,) = gates(house, moment(4))
    assert asked.why == "an approval that was asked for is declared no more"
    assert settled(house, moment(4)) and waits(house, moment(4)) == [("a",)]
    assert stands(house, moment(4))[1] == "version 1 waits for approval by ml (argosy approve late/a@1)"

    manual.approve(house.store, parse(f"{FLEET}/a"), True, "ann", "it will do", moment(5))
    (asked,) = gates(house, moment(6))
    assert asked.why == "a person has answered" and settled(house, moment(6))
    with house.store.read() as conn:
        state = members.state(conn, FLEET, "a")
        assert state is not None and state.champion_id == asked.versions[0]
        assert {v.gate: (v.passed, v.at) for v in verdicts.of(conn, asked.versions) if "approval" in v.gate} == {
            "approval by ops": (True, moment(4)), "approval by ml": (True, moment(6)),
        }  # fmt: skip


def test_a_gate_that_is_withdrawn_keeps_nothing_from_traffic(house: House, tmp_path: Path) -> None:
    gates(house, moment(2))
    declare(house, tmp_path, "", moment(3))
    assert waits(house, moment(3)) == []
    assert stands(house, moment(3)) == ("new", "version 1 waits for its gates; nothing answers yet")
    with pytest.raises(ConflictError, match=f"no gate of {FLEET}/a@1 waits for an approval"):
        manual.approve(house.store, parse(f"{FLEET}/a"), True, "ann", "", moment(3))
    (asked,) = gates(house, moment(4))
    assert settled(house, moment(4))
    assert stands(house, moment(5)) == ("serving", "version 1 has answered for 1h")
    declare(house, tmp_path, "ag.Approval()", moment(6))
    assert settled(house, moment(6)) and waits(house, moment(6)) == []
    with house.store.read() as conn:
        said = {v.gate: (v.passed, v.message) for v in verdicts.of(conn, asked.versions)}
    assert said["approval by an approver"] == (True, "not asked for any more: it was withdrawn")


@pytest.mark.parametrize("granted", [True, False])
def test_an_answer_counts_at_the_gate_that_had_asked(house: House, tmp_path: Path, granted: bool) -> None:
    """A person answered, and another one is declared before the gates were asked again."""
    declare(house, tmp_path, 'ag.Approval("ops")', moment(1))
    gates(house, moment(2))
    manual.approve(house.store, parse(f"{FLEET}/a"), granted, "ann", "", moment(3))
    declare(house, tmp_path, 'ag.Approval("ml")', moment(4))
    assert len(gates(house, moment(5))) == 1
    assert settled(house, moment(5)) and waits(house, moment(5)) == [("a",)]


def test_a_version_that_does_not_pass_the_gates_of_now_stays_where_it_is(house: House, tmp_path: Path) -> None:
    gates(house, moment(2))
    declare(house, tmp_path, 'ag.Gate("log_loss", maximum=0.6)', moment(3))
    assert len(gates(house, moment(4))) == 1 and settled(house, moment(4))
    assert stands(house, moment(5)) == ("new", "version 1 did not pass its gates; nothing answers yet")


def waits(house: House, now: datetime) -> list[tuple[str, ...]]:
    """For whose approval the controller waits."""
    actions = plan(observe(house, now), now).actions
    return [each.members for each in actions if isinstance(each, Wait) and each.about.startswith("approval")]
