"""Members: their versions, aliases, rollouts, signals, and the one table of what is true now."""

from __future__ import annotations

import random
from typing import Any

import msgspec
import pytest
from sqlalchemy import Connection, event

from argosy.errors import InputError
from argosy.store import (
    Store,
    aliases,
    approvals,
    artifacts,
    decisions,
    executions,
    members,
    replay,
    rollouts,
    routes,
    signals,
    verdicts,
    versions,
)
from argosy.testing.sample import attempt, digest, moment, promote, train

FLEET = "late"


def _read(conn: Connection) -> dict[str, list[Any]]:
    table = members.table(conn, FLEET)
    return table | {"signals": [msgspec.json.decode(text) for text in table["signals"]]}


def _signal(member: int, name: str, value: float | None) -> signals.NewSignal:
    return signals.NewSignal(fleet=FLEET, member_id=member, name=name, value=value, at=moment())


def _rollout(version: versions.Version, state: str, share: float) -> rollouts.NewRollout:
    return rollouts.NewRollout(
        fleet=FLEET,
        member_id=version.member_id,
        version_id=version.id,
        kind="canary",
        state=state,
        share=share,
        at=moment(),
    )


class MembersConformance:
    """Facts about members."""

    def test_ensuring_members_twice_changes_nothing(self, store: Store) -> None:
        """Same ids, in the order asked for."""
        with store.write() as tx:
            first = members.ensure(tx, FLEET, ["JFK/AA", "*", "JFK/AA"], moment())
            again = members.ensure(tx, FLEET, ["LGA/UA", "JFK/AA"], moment(1))
        with store.read() as conn:
            assert list(again) == ["LGA/UA", "JFK/AA"]
            assert again["JFK/AA"] == first["JFK/AA"]
            assert members.ids(conn, FLEET) == first | again
            assert members.get(conn, [again["JFK/AA"]])[again["JFK/AA"]].at == moment()
            assert members.fleets(conn) == [FLEET]

    def test_versions_count_from_one_per_member(self, store: Store) -> None:
        """Also within a batch; the latest and each number are found."""
        with store.write() as tx:
            one = train(tx, FLEET, ["a", "b"])
            two = train(tx, FLEET, ["b", "c"], hours=1)
            fields = {name: getattr(two[0], name) for name in versions.NewVersion.__struct_fields__}
            twice = versions.add(tx, [versions.NewVersion(**fields), versions.NewVersion(**fields)])
        assert [version.number for version in one + two + twice] == [1, 1, 2, 1, 3, 4]
        with store.read() as conn:
            assert versions.find(conn, FLEET, "b") == twice[1]
            assert versions.find(conn, FLEET, "b", 2) == two[0]
            assert versions.find(conn, FLEET, "b", 9) is None
            assert versions.get(conn, [one[0].id]) == {one[0].id: one[0]}
            assert [version.number for version in versions.of(conn, [one[1].member_id])] == [1, 2, 3, 4]

    def test_a_signal_that_is_no_number_is_refused(self, store: Store) -> None:
        """Nothing of what came with it is recorded."""
        wrong: Any = "0.2"
        with store.write() as tx:
            ids = members.ensure(tx, FLEET, ["a"], moment())
        given = [_signal(ids["a"], "drift", 0.1), _signal(ids["a"], "rows", wrong)]
        with (
            pytest.raises(InputError, match=r"signal 'rows' of member 1 of .* is '0.2', no number"),
            store.write() as tx,
        ):
            signals.record(tx, given)
        with store.read() as conn:
            assert signals.latest(conn, FLEET) == {ids["a"]: {}}

    def test_the_table_says_what_is_true_now(self, store: Store) -> None:
        """One row per member, in order of key."""
        with store.write() as tx:
            (made,) = train(tx, FLEET, ["b"])
            ids = members.ensure(tx, FLEET, ["a"], moment())
            rollouts.record(tx, [_rollout(made, "started", 0.2)])
            executions.record(tx, [attempt(ids["a"], "x", outcome="failed") for _ in range(2)])
            unknown = [_signal(ids["a"], "rows", float("nan")), _signal(ids["a"], "age", float("inf"))]
            signals.record(tx, [_signal(ids["a"], "drift", 0.1), *unknown])
            signals.record(tx, [_signal(ids["a"], "drift", 0.3)])
        with store.read() as conn:
            table = _read(conn)
            assert members.table(conn, "nobody")["key"] == []
            assert signals.latest(conn, FLEET)[ids["a"]] == {"drift": 0.3, "rows": None, "age": None}
            assert [each.value for each in signals.history(conn, ids["a"], "drift")] == [0.3, 0.1]
            state = members.state(conn, FLEET, "b")
            assert members.states(conn, [made.member_id]) == {made.member_id: state}
            assert signals.bodies(conn, "drift", ids.values()) == {}
        assert table["key"] == ["a", "b"]
        assert table["failures"] == [2, 0]
        assert table["signals"] == [{"drift": 0.3, "rows": None, "age": None}, {}]
        assert table["version_id"] == [None, made.id] == table["champion_id"]
        assert table["champion_since"][1] == 1356998400000000
        assert table["rollout_state"] == [None, "started"]
        assert table["execution_reason"] == ["one class", ""]
        assert state is not None
        assert (state.version_number, state.champion_number, state.target, state.version_at) == (1, 1, "own", moment())

    def test_the_table_costs_one_statement(self, store: Store) -> None:
        """However many members there are."""
        with store.write() as tx:
            train(tx, FLEET, [f"m{number}" for number in range(50)])
        statements: list[str] = []

        def note(conn: Any, cursor: Any, statement: str, *rest: Any) -> None:
            statements.append(statement)

        with store.read() as conn:
            members.fleets(conn)
            event.listen(conn, "before_cursor_execute", note)
            assert len(members.table(conn, FLEET)["key"]) == 50
        assert len(statements) == 1

    def test_the_projection_is_what_the_facts_say(self, store: Store) -> None:
        """After a random history it equals the facts' own latest, and a rebuild changes nothing."""
        chance = random.Random(7)
        for step in range(12):
            with store.write() as tx:
                self._something_happens(tx, chance, step)
        with store.write() as tx:
            before = _read(tx)
            self._assert_latest(tx, before)
            replay.rebuild(tx, FLEET)
            assert _read(tx) == before

    def _something_happens(self, tx: Connection, chance: random.Random, step: int) -> None:
        keys = chance.sample(["a", "b", "c", "d", "*"], 3)
        made = train(tx, FLEET, keys, hours=step)
        rollouts.record(tx, [_rollout(v, chance.choice(["started", "finished"]), 0.5) for v in made[:2]])
        outcomes = chance.choices(["failed", "fallback", "succeeded"], k=3)
        executions.record(
            tx, [attempt(v.member_id, f"again {step}", outcome=o) for v, o in zip(made, outcomes, strict=True)]
        )
        signals.record(tx, [_signal(v.member_id, chance.choice("xyz"), chance.random()) for v in made])
        move: dict[str, Any] = {
            "fleet": FLEET,
            "member_id": made[0].member_id,
            "at": moment(step),
            "actor": "controller",
        }
        aliases.move(tx, [aliases.Move(alias="champion", target="pooled", **move)])
        aliases.move(tx, [aliases.Move(alias="challenger", target="own", version_id=made[0].id, **move)])

    def _assert_latest(self, conn: Connection, table: dict[str, list[Any]]) -> None:
        champions = aliases.current(conn, FLEET, "champion")
        challengers = aliases.current(conn, FLEET, "challenger")
        rolled = rollouts.current(conn, FLEET)
        for index, member in enumerate(table["member_id"]):
            row = {name: values[index] for name, values in table.items()}
            last = versions.of(conn, [member])[-1]
            runs = [r for r in executions.get(conn, range(1, 500)).values() if r.member_id == member]
            runs.sort(key=lambda run: run.id, reverse=True)
            streak = next((n for n, run in enumerate(runs) if run.outcome != "failed"), len(runs))
            assert (row["version_id"], row["version_number"]) == (last.id, last.number)
            assert (row["target"], row["champion_id"]) == (champions[member].target, champions[member].version_id)
            assert row["challenger_id"] == (challengers[member].version_id if member in challengers else None)
            assert row["rollout_id"] == (rolled[member].id if member in rolled else None)
            assert (row["execution_id"], row["execution_outcome"]) == (runs[0].id, runs[0].outcome)
            assert row["failures"] == streak
            for name, value in row["signals"].items():
                assert signals.history(conn, member, name, limit=1)[0].value == pytest.approx(value)

    def test_an_alias_points_to_an_own_version_or_to_none(self, store: Store) -> None:
        """A target and a version that do not go together are refused."""
        with store.write() as tx:
            one, two = (train(tx, FLEET, ["a"], hours=hour)[0] for hour in (0, 1))
            back = promote(one)
            aliases.move(tx, [back])
            with pytest.raises(InputError, match="pooled"):
                fields = {name: getattr(back, name) for name in back.__struct_fields__}
                aliases.move(tx, [aliases.Move(**(fields | {"target": "pooled"}))])
        with store.read() as conn:
            history = aliases.history(conn, one.member_id, "champion")
            assert [each.version_id for each in history] == [one.id, two.id, one.id]
            assert aliases.current(conn, FLEET, "champion")[one.member_id] == history[0]

    def test_routes_hold_what_may_answer(self, store: Store) -> None:
        """The champion, the rollout under way, and where their bytes lie."""
        with store.write() as tx:
            old, new = (train(tx, FLEET, ["a"], hours=hour)[0] for hour in (0, 1))
            members.ensure(tx, FLEET, ["b"], moment())
            aliases.move(tx, [promote(old)])
            before, read = routes.mark(tx), routes.reach(tx)
            rollouts.record(tx, [_rollout(new, "started", 0.2)])
            under_way, after = routes.table(tx, FLEET), routes.mark(tx)
            moved = routes.table(tx, FLEET, read)
            read = routes.reach(tx)
            still = routes.table(tx, FLEET, read)
            rollouts.record(tx, [_rollout(new, "finished", 1.0)])
            members.ensure(tx, FLEET, ["c"], moment())
            done = routes.table(tx, FLEET)
            later = routes.table(tx, FLEET, read)
            slot = artifacts.get(tx, [old.artifact])[old.artifact].slot
        assert [(r.key, r.role, r.version_id) for r in under_way] == [
            ("a", "champion", old.id),
            ("a", "rollout", new.id),
            ("b", "champion", None),
        ]
        assert (under_way[1].kind, under_way[1].share) == ("canary", 0.2)
        assert (under_way[0].slot, under_way[2].slot) == (slot, None)
        assert [route.role for route in done] == ["champion", "champion", "champion"]
        assert moved == under_way[:2] and still == [] and later == [done[0], done[2]]
        assert before != after

    def test_a_gate_waits_for_a_person(self, store: Store) -> None:
        """Until somebody has spoken."""
        with store.write() as tx:
            (made,) = train(tx, FLEET, ["a"], promoted=False)
            verdicts.add(tx, [verdicts.NewVerdict(version_id=made.id, gate="approval", passed=None, at=moment())])
        with store.read() as conn:
            undecided = verdicts.undecided(conn, FLEET, "approval")
            assert [each.command for each in undecided.waiting] == ["argosy approve late/a@1"]
            assert (undecided.again, approvals.answers(conn, "approval", [made.id])) == ((), {})
            assert verdicts.undecided(conn, "other", "approval") == verdicts.Undecided()
        with store.write() as tx:
            approvals.add(tx, [approvals.NewApproval(version_id=made.id, granted=True, at=moment(1), actor="ann")])
        with store.read() as conn:
            undecided = verdicts.undecided(conn, FLEET, "approval")
            assert (undecided.waiting, undecided.answered, undecided.again) == ((), (made.id,), (made.id,))
            assert approvals.answers(conn, "approval", [made.id]) == {made.id: True}
            assert approvals.of(conn, [made.id])[made.id].granted
            assert {each.gate: each.passed for each in verdicts.of(conn, [made.id])} == {
                "roc_auc": True,
                "approval": None,
            }

    def test_what_answers_or_is_superseded_waits_for_nobody(self, store: Store) -> None:
        """A person made it the champion, or a newer version came."""
        with store.write() as tx:
            made = train(tx, FLEET, ["a", "b", "c"], promoted=False)
            verdicts.add(tx, [
                verdicts.NewVerdict(version_id=each.id, gate="approval", passed=None, at=moment()) for each in made
            ])  # fmt: skip
            assert [each.key for each in verdicts.undecided(tx, FLEET, "approval").waiting] == ["a", "b", "c"]
            aliases.move(tx, [promote(made[0])])
            train(tx, FLEET, ["b"], hours=1, promoted=False)
        with store.read() as conn:
            assert [each.key for each in verdicts.undecided(conn, FLEET, "approval").waiting] == ["c"]
            assert verdicts.undecided(conn, FLEET, None).again == (made[2].id,)

    def test_a_gate_that_is_declared_no_more_asks_nobody(self, store: Store) -> None:
        """What it asked is told, until it has spoken for the last time; an answer is to the gate that had asked."""
        old, new = "approval by ops", "approval by ml"

        def speak(gate: str, passed: bool | None, hours: float) -> None:
            with store.write() as tx:
                new = verdicts.NewVerdict(version_id=made.id, gate=gate, passed=passed, at=moment(hours))
                verdicts.add(tx, [new])

        with store.write() as tx:
            (made,) = train(tx, FLEET, ["a"], promoted=False)
        speak(old, None, 1)
        with store.write() as tx:
            approvals.add(tx, [approvals.NewApproval(version_id=made.id, granted=False, at=moment(2), actor="ann")])
        with store.read() as conn:
            for gate in (None, new):
                assert verdicts.undecided(conn, FLEET, gate) == verdicts.Undecided(withdrawn=((made.id, old),))
            assert approvals.answers(conn, old, [made.id]) == {made.id: False}
            assert approvals.answers(conn, new, [made.id]) == {}
        speak(new, None, 3)
        speak(old, True, 3)
        with store.read() as conn:
            assert [each.gate for each in verdicts.undecided(conn, FLEET, new).waiting] == [new]
            assert verdicts.undecided(conn, FLEET, new).again == ()
            assert approvals.answers(conn, new, [made.id]) == {}

    def test_decisions_and_rollouts_have_a_history(self, store: Store) -> None:
        """Newest first, of a member and of the fleet."""
        with store.write() as tx:
            (made,) = train(tx, FLEET, ["a"])
            new = [
                decisions.NewDecision(fleet=FLEET, member_id=member, action="train", at=moment(), reason="drifted")
                for member in (made.member_id, None)
            ]
            ids = decisions.add(tx, new)
            states = rollouts.record(tx, [_rollout(made, "started", 0.2), _rollout(made, "rolled_back", 0.0)])
        with store.read() as conn:
            assert [each.id for each in decisions.of_fleet(conn, FLEET)] == ids[::-1]
            assert [each.id for each in decisions.of_member(conn, made.member_id)] == ids[:1]
            assert [each.id for each in rollouts.history(conn, made.member_id)] == states[::-1]

    def test_an_artifact_stays_where_it_was_first(self, store: Store) -> None:
        """Its address is its content."""
        slots = store.blobs.pack([b"one", b"two"])
        with store.write() as tx:
            artifacts.add(tx, artifacts.of_slots(slots, "model", moment()))
            artifacts.add(tx, [artifacts.Artifact(digest=slots[0].digest, kind="model", bytes=3, at=moment())])
            found = artifacts.get(tx, [slots[0].digest, digest("other")])
        assert list(found) == [slots[0].digest]
        assert store.blobs.read(found[slots[0].digest].slot) == b"one"

    def test_an_artifact_made_anew_is_where_it_lies_now(self, store: Store) -> None:
        """Its first place may be lost; those that lay beside it there are not touched."""
        one, two = store.blobs.pack([b"one", b"two"])
        _, new = store.blobs.pack([b"three", b"one"])
        with store.write() as tx:
            artifacts.add(tx, artifacts.of_slots([one, two], "model", moment()))
            artifacts.renew(tx, artifacts.of_slots([new], "value", moment(1)))
            found = artifacts.get(tx, [one.digest, two.digest])
        assert [found[each.digest].slot for each in (one, two)] == [new, two]
        assert (found[one.digest].kind, found[one.digest].at) == ("model", moment())
