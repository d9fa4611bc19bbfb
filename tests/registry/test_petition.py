"""A promotion that is asked for happens if every gate lets the version through, and is a fact; else it says why not."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import msgspec
import pytest

import argosy as ag
from argosy.errors import ConflictError
from argosy.registry import petition
from argosy.registry.address import Address
from argosy.spec import document
from argosy.spec.estimator import Estimator
from argosy.store import aliases, approvals, declarations, events, members, verdicts, versions
from argosy.store.store import Store
from argosy.testing import sample
from argosy.testing.sample import moment

NOW = moment(1000)
MEMBER = Address("late", "JFK/AA")


def declare(store: Store, *gates: ag.Gate | ag.Approval) -> None:
    """A fleet `late` with these gates, as applying a project does."""
    made = ag.Fleet(
        "late", spine="flights", label="late", features=["distance"], by=["origin", "carrier"],
        candidates=[Estimator("lightgbm.sklearn:LGBMClassifier")], gates=list(gates),
    )  # fmt: skip
    body = msgspec.json.decode(document.encode(made))
    new = declarations.NewDeclaration(
        kind="fleet", name="late", fingerprint=document.fingerprint(made), body=body, at=NOW, actor="ann"
    )
    with store.write() as tx:
        declarations.add(tx, [new])


@pytest.fixture
def fleet(store: Store) -> Store:
    """Two versions of a member, the first of which answers."""
    with store.write() as tx:
        sample.train(tx, "late", ["JFK/AA"], hours=1)
        sample.train(tx, "late", ["JFK/AA"], hours=2, promoted=False)
        tx.exec_driver_sql("""UPDATE version SET metrics = '{"roc_auc":0.7}'""")
    return store


def ask(store: Store, number: int = 2, now: datetime = NOW) -> None:
    """Ask for the promotion of a version."""
    with store.write() as tx:
        version = versions.find(tx, "late", "JFK/AA", number)
        assert version is not None
        petition.promote(tx, MEMBER, version, "bob", "by bob", now)


def champion(store: Store) -> int | None:
    with store.read() as conn:
        state = members.state(conn, "late", "JFK/AA")
    assert state is not None
    return state.champion_number


def test_what_passes_every_gate_is_promoted_and_that_is_a_fact(fleet: Store) -> None:
    declare(fleet, ag.Gate("roc_auc", minimum=0.6))
    ask(fleet)
    assert champion(fleet) == 2
    with fleet.read() as conn:
        (event,) = events.of_subject(conn, "late/JFK/AA", limit=1)
        said = verdicts.of(conn, [2])
        (move, *_) = aliases.history(conn, 1, aliases.CHAMPION)
    assert (event.kind, event.actor, event.message, event.at) == ("promoted", "bob", "version 2: by bob", NOW)
    assert [(each.gate, each.passed, each.at) for each in said if each.at == NOW] == [("roc_auc >= 0.6", True, NOW)]
    assert (move.actor, move.reason) == ("bob", "by bob")


def test_a_gate_that_refuses_is_named(fleet: Store) -> None:
    declare(fleet, ag.Gate("roc_auc", minimum=0.8), ag.Approval("ops"))
    said = "late/JFK/AA@2 was not promoted: it did not pass the gate roc_auc >= 0.8: roc_auc is 0.7"
    with pytest.raises(ConflictError, match=re.escape(said)):
        ask(fleet)
    assert champion(fleet) == 1
    with fleet.read() as conn:
        assert not [each for each in verdicts.of(conn, [2]) if each.at == NOW]


def test_an_approval_that_is_missing_or_refused_is_named(fleet: Store) -> None:
    declare(fleet, ag.Gate("roc_auc", minimum=0.6), ag.Approval("ops"))
    with pytest.raises(ConflictError, match="late/JFK/AA@2 was not promoted: it waits for approval by ops"):
        ask(fleet)
    with fleet.write() as tx:
        verdicts.add(tx, [verdicts.NewVerdict(version_id=2, gate="approval by ops", passed=None, at=moment(5))])
        approvals.add(tx, [approvals.NewApproval(version_id=2, granted=False, at=moment(6), actor="cay", reason="no")])
    with pytest.raises(ConflictError, match="did not pass the gate approval by ops: refused by cay: no"):
        ask(fleet)
    with fleet.write() as tx:
        approvals.add(tx, [approvals.NewApproval(version_id=2, granted=True, at=moment(7), actor="cay")])
    ask(fleet)
    assert champion(fleet) == 2


def test_the_champion_stays_without_a_word(fleet: Store) -> None:
    declare(fleet, ag.Gate("roc_auc", minimum=0.8))
    ask(fleet, 1)
    with fleet.read() as conn:
        assert not events.of_subject(conn, "late/JFK/AA")


def test_a_fleet_that_is_not_declared_has_no_gates_to_speak_for_it(fleet: Store) -> None:
    with pytest.raises(ConflictError, match="fleet late is not declared"):
        ask(fleet)


def test_a_version_that_was_never_held_against_the_champion_is_not_promoted(fleet: Store) -> None:
    """It was trained, and compared, before the champion of now came."""
    declare(fleet, ag.Gate("roc_auc", beats="champion"))
    with fleet.write() as tx:
        state = members.state(tx, "late", "JFK/AA")
        version = versions.find(tx, "late", "JFK/AA", 2)
        assert state is not None and version is not None
        later = version.at + timedelta(hours=1)
        move = aliases.Move(
            fleet="late", member_id=state.member_id, alias="champion", target="own", at=later, actor="ann",
            version_id=state.champion_id,
        )  # fmt: skip
        aliases.move(tx, [move])
    with pytest.raises(ConflictError, match="it was never held against the champion, version 1") as caught:
        ask(fleet)
    assert "argosy promote late/JFK/AA@2" in caught.value.next and champion(fleet) == 1
    declare(fleet, ag.Gate("roc_auc", minimum=0.5))
    ask(fleet)
    assert champion(fleet) == 2
