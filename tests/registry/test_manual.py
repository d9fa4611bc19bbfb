from __future__ import annotations

from datetime import datetime

import msgspec
import pytest
from sqlalchemy import Connection

import argosy as ag
from argosy.errors import ConflictError, UnknownError
from argosy.registry import manual
from argosy.registry.address import parse
from argosy.spec import document
from argosy.spec.estimator import Estimator
from argosy.store import aliases, approvals, declarations, events, members, verdicts, versions
from argosy.store.store import Store
from argosy.testing import sample

NOW = sample.moment(1000)


@pytest.fixture
def fleet(store: Store) -> Store:
    """Two members with two versions each, the later one the champion; a person is asked about each."""
    declared = ag.Fleet(
        "late", spine="flights", label="late", features=["distance"], by=["origin", "carrier"],
        candidates=[Estimator("lightgbm.sklearn:LGBMClassifier")], gates=[ag.Approval("ops")],
    )  # fmt: skip
    with store.write() as tx:
        declare(tx, declared)
        sample.train(tx, "late", ["JFK/AA", "JFK/DL"], hours=1)
        sample.train(tx, "late", ["JFK/AA", "JFK/DL"], hours=2)
    return store


def declare(tx: Connection, fleet: ag.Fleet) -> None:
    """As applying a project does."""
    body = msgspec.json.decode(document.encode(fleet))
    new = declarations.NewDeclaration(
        kind="fleet", name=fleet.name, fingerprint=document.fingerprint(fleet), body=body, at=NOW, actor="ann"
    )
    declarations.add(tx, [new])


def champion(store: Store, key: str) -> int | None:
    with store.read() as conn:
        state = members.state(conn, "late", key)
    assert state is not None
    return state.champion_number


def ask(store: Store, key: str, number: int, at: datetime) -> int:
    """Let a gate wait for a person's answer about a version, which does not answer yet."""
    with store.write() as tx:
        if number == 3:
            sample.train(tx, "late", [key], hours=3, promoted=False)
        version = versions.find(tx, "late", key, number)
        assert version is not None
        verdicts.add(tx, [verdicts.NewVerdict(version_id=version.id, gate="approval by ops", passed=None, at=at)])
    return version.id


def test_promote_and_roll_back_are_facts(fleet: Store) -> None:
    said = manual.promote(fleet, parse("late/JFK/AA@1"), "ann", "the second is wrong", NOW)
    assert said == "late/JFK/AA@1 answers now"
    assert (champion(fleet, "JFK/AA"), champion(fleet, "JFK/DL")) == (1, 2)
    said = manual.roll_back(fleet, parse("late/JFK/AA"), "ann", "", NOW)
    assert said == "late/JFK/AA: version 2 answers again"
    assert champion(fleet, "JFK/AA") == 2
    with fleet.read() as conn:
        back, forth = events.of_subject(conn, "late/JFK/AA", limit=2)
        member = members.ids(conn, "late")["JFK/AA"]
        moves = aliases.history(conn, member, aliases.CHAMPION, limit=2)
    assert (forth.kind, forth.actor, forth.message) == (
        "promoted", "ann", "late/JFK/AA@1 answers now: the second is wrong",
    )  # fmt: skip
    assert back.kind == "rolled_back"
    assert [move.reason for move in moves] == ["rolled back by ann", "the second is wrong"]


def test_promote_without_a_number_means_the_latest(fleet: Store) -> None:
    manual.promote(fleet, parse("late/JFK/AA@1"), "ann", "", NOW)
    manual.promote(fleet, parse("late/JFK/AA"), "ann", "", NOW)
    assert champion(fleet, "JFK/AA") == 2
    with pytest.raises(ConflictError, match="is the champion already"):
        manual.promote(fleet, parse("late/JFK/AA@2"), "ann", "", NOW)


@pytest.mark.parametrize("address", ["late/LGA/AA", "other/JFK/AA", "late/JFK/AA@3"])
def test_what_is_not_there_cannot_be_promoted(fleet: Store, address: str) -> None:
    with pytest.raises(UnknownError):
        manual.promote(fleet, parse(address), "ann", "", NOW)


@pytest.mark.parametrize("granted", [True, False])
def test_an_approval_is_kept_with_its_reason(fleet: Store, granted: bool) -> None:
    version = ask(fleet, "JFK/AA", 3, sample.moment(5))
    said = manual.approve(fleet, parse("late/JFK/AA"), granted, "ann", "looked at it", NOW)
    assert said == f"late/JFK/AA@3 was {'approved' if granted else 'refused'}"
    with fleet.read() as conn:
        answer = approvals.of(conn, [version])[version]
        assert not verdicts.undecided(conn, "late", "approval by ops").waiting
    assert (answer.granted, answer.actor, answer.reason, answer.at) == (granted, "ann", "looked at it", NOW)


def test_only_what_waits_can_be_approved(fleet: Store) -> None:
    ask(fleet, "JFK/AA", 1, sample.moment(5))
    ask(fleet, "JFK/AA", 2, sample.moment(5))
    for address in ("late/JFK/AA@2", "late/JFK/AA"):
        with pytest.raises(ConflictError, match="no gate of late/JFK/AA@2 waits for an approval: it answers already"):
            manual.approve(fleet, parse(address), True, "ann", "", NOW)
    with pytest.raises(ConflictError, match=r"no gate of late/JFK/AA@1 .*: version 2 came in its place"):
        manual.approve(fleet, parse("late/JFK/AA@1"), True, "ann", "", NOW)
    ask(fleet, "JFK/AA", 3, sample.moment(6))
    manual.approve(fleet, parse("late/JFK/AA@3"), True, "ann", "", NOW)
    with pytest.raises(ConflictError, match="no gate of late/JFK/AA@3 waits"):
        manual.approve(fleet, parse("late/JFK/AA@3"), True, "ann", "", NOW)


@pytest.mark.parametrize("gates", [[], [ag.Approval("ml")]])
def test_what_a_gate_asked_that_is_declared_no_more_cannot_be_approved(
    fleet: Store, gates: list[ag.Gate | ag.Approval]
) -> None:
    version = ask(fleet, "JFK/AA", 3, sample.moment(5))
    with fleet.write() as tx:
        before = declarations.get(tx, "fleet", "late")
        assert before is not None
        declared = document.recorded(before.body)
        assert isinstance(declared, ag.Fleet)
        declare(tx, msgspec.structs.replace(declared, gates=tuple(gates)))
    with pytest.raises(ConflictError, match="no gate of late/JFK/AA@3 waits for an approval"):
        manual.approve(fleet, parse("late/JFK/AA"), True, "ann", "", NOW)
    with fleet.read() as conn:
        assert not approvals.of(conn, [version])


def test_the_newest_version_is_approved_or_none(fleet: Store) -> None:
    ask(fleet, "JFK/AA", 3, sample.moment(5))
    with fleet.write() as tx:
        sample.train(tx, "late", ["JFK/AA"], hours=7, promoted=False)
    with pytest.raises(ConflictError, match="no gate of late/JFK/AA@4 waits"):
        manual.approve(fleet, parse("late/JFK/AA"), True, "ann", "", NOW)


def test_a_first_champion_has_nothing_to_go_back_to(store: Store) -> None:
    with store.write() as tx:
        sample.train(tx, "late", ["JFK/AA"], hours=1)
    with pytest.raises(ConflictError, match="has had no other champion"):
        manual.roll_back(store, parse("late/JFK/AA"), "ann", "", NOW)
