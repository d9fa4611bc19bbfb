"""Ending canaries: once, and not over the head of a person."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import argosy as ag
from argosy.controller import signal
from argosy.controller.act.finish import run
from argosy.controller.action import Finish
from argosy.controller.house import House
from argosy.registry.rollout import Chosen, promote, roll_back, start
from argosy.store import events, members, rollouts, signals, versions
from argosy.store.store import Store
from argosy.testing.sample import moment, train
from tests.controller.snapshots import snapshot

KEYS = ("a", "b", "c")


@pytest.fixture
def house(home: Path) -> Iterator[House]:
    """A house over an empty home; nothing is run in it."""
    with Store.open(home) as store, House(store) as made:
        yield made


@pytest.fixture
def canaries(house: House) -> list[versions.Version]:
    """Three members, each with a champion and a canary."""
    with house.store.write() as tx:
        old, new = train(tx, "late", KEYS), train(tx, "late", KEYS, hours=1)
        promote(tx, "late", old, moment(2), "controller", "first")
        start(tx, "late", ag.Canary(), [Chosen(each, True, "new") for each in new], moment(3), "controller")
    return new


def champions(house: House) -> list[int | None]:
    """The number of each member's champion."""
    with house.store.read() as conn:
        return members.table(conn, "late")["champion_number"]


def test_some_hold_and_some_do_worse(house: House, canaries: list[versions.Version]) -> None:
    a, b, c = (each.id for each in canaries)
    action = Finish("late", (a, b), (c,), "baked")
    assert run(house, snapshot({}), action, moment(5)) == "late: 2 versions promoted, 1 rolled back"
    assert champions(house) == [2, 2, 1]
    with house.store.read() as conn:
        assert [each.kind for each in events.of_subject(conn, "late/a")] == ["promoted"]
        assert [each.kind for each in events.of_subject(conn, "late/c")] == ["rolled_back"]
    assert run(house, snapshot({}), action, moment(6)) == "late: 0 versions promoted, 0 rolled back"


def test_what_a_person_ended_meanwhile_stays_ended(house: House, canaries: list[versions.Version]) -> None:
    a, b, c = canaries
    with house.store.write() as tx:
        roll_back(tx, "late", a.member_id, moment(4), "ann", "no")
        promote(tx, "late", [b], moment(4), "ann", "yes")
    said = run(house, snapshot({}), Finish("late", (a.id, c.id), (b.id,), "baked"), moment(5))
    assert said == "late: 1 version promoted, 0 rolled back"
    assert champions(house) == [1, 2, 2]
    with house.store.read() as conn:
        assert [each.state for each in rollouts.history(conn, b.member_id)][:2] == ["finished", "started"]


def test_a_canary_goes_on_to_its_next_step_and_nothing_is_known_of_that(
    house: House, canaries: list[versions.Version]
) -> None:
    a, b, _ = canaries
    body = {"version": a.id, "reason": "after 2h: 0 of 90 rows failed", "canary_rows": 90}
    with house.store.write() as tx:
        said = {"fleet": "late", "member_id": a.member_id, "name": signal.CANARY, "value": 1.0, "at": moment(4)}
        signals.record(tx, [signals.NewSignal(**said, body=body)])
        roll_back(tx, "late", b.member_id, moment(4), "ann", "no")
    action = Finish("late", (), (), "held so far", ((a.id, 0.5), (b.id, 0.5)))
    assert run(house, snapshot({}), action, moment(5)) == "late: 0 versions promoted, 0 rolled back, 1 widened"
    assert champions(house) == [1, 1, 1]
    with house.store.read() as conn:
        state = members.states(conn, [a.member_id])[a.member_id]
        (event,) = events.of_subject(conn, "late/a")
        assert rollouts.history(conn, a.member_id)[0].evidence == body
        assert [each.state for each in rollouts.history(conn, b.member_id)][:2] == ["rolled_back", "started"]
    assert (state.rollout_state, state.rollout_share, state.rollout_at) == ("started", 0.5, moment(5))
    assert (state.signals[signal.CANARY], state.challenger_id) == (0.0, a.id)
    assert event.kind == "widened"
    assert event.message == "version 2: on 50% of the rows now: after 2h: 0 of 90 rows failed"
