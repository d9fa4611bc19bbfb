"""Rollouts on a real store: how versions reach traffic, how they leave it, and that doing it twice changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Connection

import argosy as ag
from argosy.errors import ConflictError
from argosy.registry.rollout import Chosen, promote, reject, roll_back, start, widen
from argosy.spec.rollout import Rollout
from argosy.store import aliases, artifacts, executions, members, rollouts, routes, versions
from argosy.store.store import Store
from argosy.testing.sample import attempt, digest, moment

FLEET, CANARY = "late", ag.Canary(share=0.25, bake="2h")


class Port:
    """A fleet of versions that reach and leave traffic, an hour apart."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.hour = 0

    def train(self, *keys: str) -> list[versions.Version]:
        """A new version for each key."""
        self.hour += 1
        with self.store.write() as tx:
            ids = members.ensure(tx, FLEET, keys, moment(self.hour))
            names = [f"{key}{self.hour}" for key in keys]
            runs = executions.record(tx, [attempt(ids[key], name) for key, name in zip(keys, names, strict=True)])
            artifacts.add(
                tx, [artifacts.Artifact(digest=digest(name), kind="model", bytes=5, at=moment()) for name in names]
            )
            new = [
                versions.NewVersion(
                    fleet=FLEET, member_id=ids[key], key=digest(name), artifact=digest(name), format="lightgbm",
                    execution_id=run, at=moment(self.hour), rows=10,
                )
                for key, name, run in zip(keys, names, runs, strict=True)
            ]  # fmt: skip
            return versions.add(tx, new)

    def do(self, act: Callable[[Connection], Any]) -> Any:
        """One transaction."""
        self.hour += 1
        with self.store.write() as tx:
            return act(tx)

    def start(
        self, *given: versions.Version, rollout: Rollout = CANARY, own: bool = True, pooled: bool = True
    ) -> list[str]:
        """Bring versions to traffic; what happened to each."""
        chosen = [Chosen(version, own, "it is better") for version in given]
        said = self.do(lambda tx: start(tx, FLEET, rollout, chosen, moment(self.hour), "controller", pooled=pooled))
        return [said[version.id] for version in given]

    def promote(self, *given: versions.Version) -> None:
        """Make versions champions."""
        self.do(lambda tx: promote(tx, FLEET, given, moment(self.hour), "ann", "because", {given[0].id: {"n": 1}}))

    def end(self, *given: versions.Version) -> None:
        """Take canaries off traffic."""
        why = {version.id: f"worse {version.number}" for version in given}
        self.do(lambda tx: reject(tx, FLEET, given, moment(self.hour), "controller", why))

    def back(self, key: str = "a") -> str:
        """Undo the last change of a member."""
        id = self.state(key).member_id
        return str(self.do(lambda tx: roll_back(tx, FLEET, id, moment(self.hour), "ann", "no good")))

    def state(self, key: str = "a") -> members.State:
        """What is true of a member now."""
        with self.store.read() as conn:
            found = members.state(conn, FLEET, key)
        assert found is not None
        return found

    def answers(self, key: str = "a") -> tuple[str | None, int | None, int | None]:
        """Who answers, its number, and the id of the challenger."""
        state = self.state(key)
        return state.target, state.champion_number, state.challenger_id

    def traffic(self) -> list[tuple[str, str, int | None, float | None]]:
        """What the inference server would route: key, role, version id, share."""
        with self.store.read() as conn:
            return [(r.key, r.role, r.version_id, r.share) for r in routes.table(conn, FLEET)]

    def history(self, key: str = "a") -> list[tuple[int, str]]:
        """Version ids and states of a member's rollouts, oldest first."""
        with self.store.read() as conn:
            found = rollouts.history(conn, self.state(key).member_id)
        return [(each.version_id, each.state) for each in reversed(found)]

    def facts(self) -> int:
        """How many moves and rollouts there are in all."""
        with self.store.read() as conn:
            ids = members.ids(conn, FLEET).values()
            return sum(len(aliases.history(conn, id)) + len(rollouts.history(conn, id)) for id in ids)


@pytest.fixture
def port(store: Store) -> Port:
    """An empty fleet."""
    return Port(store)


def test_the_first_version_is_promoted_at_once(port: Port) -> None:
    made = port.train("a", "b")
    assert port.start(*made) == ["promoted", "promoted"]
    assert port.answers("a") == port.answers("b") == ("own", 1, None)
    assert port.history() == [(made[0].id, "finished")]
    assert [role for _, role, _, _ in port.traffic()] == ["champion", "champion"]


def test_a_canary_that_holds(port: Port) -> None:
    (first,) = port.train("a")
    port.start(first)
    (second,) = port.train("a")
    assert port.start(second) == ["canary on 25% of the rows"]
    assert port.answers() == ("own", 1, second.id)
    assert ("a", "rollout", second.id, 0.25) in port.traffic()
    port.promote(second)
    assert port.answers() == ("own", 2, None)
    assert port.history()[1:] == [(second.id, "started"), (second.id, "finished")]
    assert port.traffic() == [("a", "champion", second.id, None)]
    with port.store.read() as conn:
        last = rollouts.current(conn, FLEET)[second.member_id]
    assert (last.kind, last.share, last.reason, last.evidence) == ("canary", 1.0, "because", {"n": 1})


def test_a_canary_that_does_worse(port: Port) -> None:
    first = port.train("a", "b")
    port.start(*first)
    second = port.train("a", "b")
    port.start(*second)
    port.end(*second)
    assert port.answers("a") == port.answers("b") == ("own", 1, None)
    assert port.history("b")[1:] == [(second[1].id, "started"), (second[1].id, "rolled_back")]
    assert [version for _, _, version, _ in port.traffic()] == [each.id for each in first]
    with port.store.read() as conn:
        assert rollouts.current(conn, FLEET)[second[0].member_id].reason == "worse 2"


@pytest.mark.parametrize(
    ("rollout", "kind", "said", "ended"),
    [
        (ag.Shadow(), "shadow", "shadow of 100% of the rows", "the shadow was taken off traffic"),
        (ag.ABTest(share=0.3), "ab_test", "A/B test on 30% of the rows", "the A/B test was taken off traffic"),
        (ag.Canary(steps=[0.05, 0.5]), "canary", "canary on 5% of the rows", "the canary was taken off traffic"),
    ],
)
def test_every_kind_of_rollout_starts_and_ends_as_what_it_is(
    port: Port, rollout: Rollout, kind: str, said: str, ended: str
) -> None:
    first = port.train("a", "b", "c")
    port.start(*first)
    second = port.train("a", "b", "c")
    assert port.start(*second, rollout=rollout) == [said] * 3
    assert port.answers("a") == ("own", 1, second[0].id)
    port.promote(second[0])
    port.end(second[1])
    assert port.back("c") == ended
    with port.store.read() as conn:
        found = rollouts.current(conn, FLEET)
    assert {(each.kind, each.state) for each in found.values()} == {(kind, "finished"), (kind, "rolled_back")}
    assert [port.answers(key)[:2] for key in "abc"] == [("own", 2), ("own", 1), ("own", 1)]


def test_a_canary_is_widened(port: Port) -> None:
    (first,) = port.train("a")
    port.start(first)
    (second,) = port.train("a")
    port.start(second)
    port.do(
        lambda tx: widen(tx, FLEET, {second.id: 0.5}, moment(port.hour), {second.id: "held"}, {second.id: {"n": 1}})
    )
    assert ("a", "rollout", second.id, 0.5) in port.traffic()
    assert port.answers() == ("own", 1, second.id)
    with port.store.read() as conn:
        last = rollouts.current(conn, FLEET)[second.member_id]
    assert (last.state, last.reason, last.evidence, last.at) == ("started", "held", {"n": 1}, moment(port.hour))


def test_a_newer_version_supersedes_a_canary(port: Port) -> None:
    first, second, third = (port.train("a")[0] for _ in range(3))
    port.start(first)
    port.start(second)
    port.start(third)
    assert port.history()[1:] == [(second.id, "started"), (second.id, "superseded"), (third.id, "started")]
    assert port.answers() == ("own", 1, third.id)


def test_a_champion_by_hand_supersedes_a_canary(port: Port) -> None:
    first, second, third = (port.train("a")[0] for _ in range(3))
    port.start(first)
    port.start(second)
    port.promote(third)
    assert port.history()[1:] == [(second.id, "started"), (second.id, "superseded"), (third.id, "finished")]
    assert port.answers() == ("own", 3, None)
    assert port.traffic() == [("a", "champion", third.id, None)]


@pytest.mark.parametrize("rollout", [ag.Immediate(), CANARY])
def test_the_pooled_model_may_answer(port: Port, rollout: Rollout) -> None:
    (first,) = port.train("a")
    assert port.start(first, own=False, rollout=rollout) == ["the pooled model answers"]
    assert port.answers() == ("pooled", None, None)
    before = port.facts()
    port.start(first, own=False, rollout=rollout)
    assert port.facts() == before
    (second,) = port.train("a")
    said = {"promoted"} if rollout == ag.Immediate() else {"canary on 25% of the rows"}
    assert set(port.start(second, rollout=rollout)) == said


def test_where_the_pooled_model_is_declared_no_longer_a_version_answers_at_once(port: Port) -> None:
    (first,) = port.train("a")
    port.start(first, own=False)
    (second,) = port.train("a")
    assert port.start(second, pooled=False) == ["promoted"]
    assert port.answers() == ("own", second.id, None)
    (third,) = port.train("a")
    assert port.start(third, pooled=False) == ["canary on 25% of the rows"]


def test_the_pooled_model_ends_a_canary(port: Port) -> None:
    first, second, third = (port.train("a")[0] for _ in range(3))
    port.start(first)
    port.start(second)
    port.start(third, own=False)
    assert port.answers() == ("pooled", None, None)
    assert port.history()[-1] == (second.id, "superseded")


def test_immediate_replaces_at_once_and_ends_a_canary(port: Port) -> None:
    first, second, third = (port.train("a")[0] for _ in range(3))
    port.start(first)
    port.start(second)
    assert port.start(third, rollout=ag.Immediate()) == ["promoted"]
    assert port.answers() == ("own", 3, None)
    assert port.history()[1:] == [(second.id, "started"), (second.id, "superseded"), (third.id, "finished")]


def test_starting_again_changes_nothing(port: Port) -> None:
    first, second = (port.train("a")[0] for _ in range(2))
    port.start(first)
    assert port.start(first) == ["on its way already"]
    port.start(second)
    since = port.state().rollout_at
    before = port.facts()
    assert port.start(second) == ["on its way already"]
    assert (port.facts(), port.state().rollout_at) == (before, since)


def test_rolling_back_stops_a_canary_first(port: Port) -> None:
    first, second = (port.train("a")[0] for _ in range(2))
    port.start(first)
    port.start(second)
    assert port.back() == "the canary was taken off traffic"
    assert port.answers() == ("own", 1, None)
    assert port.history()[-1] == (second.id, "rolled_back")


def test_rolling_back_gives_the_place_back(port: Port) -> None:
    first, second = (port.train("a")[0] for _ in range(2))
    port.start(first)
    port.promote(second)
    assert port.back() == "version 1 answers again"
    assert port.answers() == ("own", 1, None)
    with port.store.read() as conn:
        last = aliases.history(conn, first.member_id, "champion")[0]
    assert (last.actor, last.reason, last.version_id) == ("ann", "no good", first.id)
    assert port.back() == "version 2 answers again"
    assert port.answers() == ("own", 2, None)


def test_rolling_back_to_the_pooled_model(port: Port) -> None:
    first, second = (port.train("a")[0] for _ in range(2))
    port.start(first, own=False)
    port.start(second, rollout=ag.Immediate())
    assert port.back() == "the pooled model answers again"
    assert port.answers() == ("pooled", None, None)


def test_nothing_to_go_back_to(port: Port) -> None:
    (first,) = port.train("a")
    for started in (False, True):
        if started:
            port.start(first)
        before = port.facts()
        with pytest.raises(ConflictError, match="late/a has had no other champion") as caught:
            port.back()
        assert caught.value.next == "argosy get versions --where 'address:\"late/a\"'"
        assert port.facts() == before
