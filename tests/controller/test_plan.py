"""Planning: from snapshots made by hand to the actions of each phase, and none where nothing is due."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

import argosy as ag
from argosy.controller import signal
from argosy.controller.action import Action, Finish, Gate, Group, Ingest, Materialise, Record, Train, Wait, Watch
from argosy.controller.libraries import Libraries
from argosy.controller.observe import Snapshot
from argosy.controller.plan import PHASES, RETRY_FIRST, RETRY_LAST, plan, watch_key
from argosy.store.verdicts import Undecided, Waiting
from tests.controller.snapshots import FAILED, FRESH, NOW, fleet, snapshot, version

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
QUIET: dict[str, Any] = {}
TRAINED_WITHOUT = "it has enough labelled rows and was never trained"
ANEW = "what its training depends on was declared anew"


def actions(given: Snapshot, now: datetime = NOW) -> tuple[Action, ...]:
    """The plan; made twice, it is the same."""
    found = plan(given, now).actions
    assert plan(given, now).actions == found
    return found


def only(given: Snapshot, now: datetime = NOW) -> Action:
    """The one action of a plan."""
    (found,) = actions(given, now)
    return found


def test_nothing_is_due() -> None:
    found = plan(snapshot({"*": {}, "EWR": {}, "JFK": {}}), NOW)
    assert (found.actions, found.next, found.at) == ((), (), NOW)
    assert actions(snapshot({})) == ()


def test_new_files_are_taken_in() -> None:
    found = only(snapshot({}, pending={"flights": ("a", "b", "c"), "weather": ()}))
    assert found == Ingest("flights", "3 new in its source (a, b, …)")


def test_views_follow_their_dataset() -> None:
    found = only(snapshot({}, materialised={"conditions": 1}))
    assert found == Materialise("conditions", 2, "weather is at version 2, the view at 1")
    assert actions(snapshot({}, versions={"flights": version("flights", 1)}, state={"watched": None}))[0] == Watch(
        "late", "nothing has been counted yet"
    )


def test_predictions_are_recorded() -> None:
    assert only(snapshot({}, state={"segments": 2})) == Record("late", "2 segments of predictions to take in")


def test_watching_again_when_there_is_something_new() -> None:
    assert only(snapshot({}, state={"watched": None})) == Watch("late", "nothing has been counted yet")
    same = snapshot({})
    assert only(same, NOW + DAY) == Watch("late", "new rows or predictions")
    assert actions(same, NOW + HOUR) == ()
    keys = {watch_key(each, fleet(), NOW) for each in (
        same,
        snapshot({}, versions=same.versions | {"flights": version("flights", 4)}),
        snapshot({}, versions=same.versions | {"late.predictions": version("late.predictions", 1)}),
    )}  # fmt: skip
    assert len(keys) == 3


def test_a_fleet_without_members_says_what_blocks_its_data() -> None:
    assert only(snapshot({}, blocked={"flights": "version 1 was rejected"})) == Wait(
        "dataset flights", (), "flights: version 1 was rejected"
    )


def test_a_fleet_without_rows_waits() -> None:
    found = only(snapshot({}, versions={}, materialised={}))
    assert found == Wait("dataset flights", (), "flights has no rows yet, so late cannot train")


def test_new_members_are_trained_together() -> None:
    found = only(snapshot({"*": FRESH, "EWR": FRESH, "JFK": FRESH, "LGA": FRESH | {signal.ROWS: 99.0}}))
    assert found == Train("late", (Group(TRAINED_WITHOUT, ("EWR", "JFK")),), True, TRAINED_WITHOUT, 1)


def test_the_pooled_model_needs_one_row_and_to_be_asked_for() -> None:
    few = {"*": FRESH | {signal.ROWS: 5.0}, "EWR": FRESH | {signal.ROWS: 5.0}}
    found = only(snapshot(few))
    assert isinstance(found, Train)
    assert (found.pooled, found.members) == (True, ())
    assert actions(snapshot(few, fleet(pooled=False))) == ()
    assert actions(snapshot({"*": FRESH | {signal.ROWS: None}})) == ()


def test_other_libraries_make_nobody_due_and_are_told() -> None:
    known = {7: Libraries("a", {"lightgbm": "4.6.0"}), 8: Libraries("b", {"lightgbm": "4.7.0"})}
    members: dict[str, dict[str, Any]] = {
        "*": {signal.LIBRARIES: 7.0},
        "EWR": {signal.LIBRARIES: 7.0},
        "JFK": {signal.LIBRARIES: 8.0},
        "LGA": {signal.LIBRARIES: 7.0, "version_id": None},
        "PHL": {},
    }
    state = {"libraries": known, "installed": known[8]}
    wait = only(snapshot(members, state=state))
    said = "2 trained before the libraries changed (lightgbm 4.6.0 -> 4.7.0); each is fitted anew when it is next due"
    assert wait == Wait("next training of late", ("*", "EWR"), said)
    assert actions(snapshot(members, state=state | {"installed": known[7]})) == (
        Wait("next training of late", ("JFK",), said.replace("2 t", "1 t").replace("4.6.0 -> 4.7.0", "4.7.0 -> 4.6.0")),
    )
    due = {"EWR": {signal.LIBRARIES: 7.0, signal.REVISION: 0.0}}
    assert only(snapshot(due, state=state)) == Train("late", (Group(ANEW, ("EWR",)),), False, ANEW, 1)


def test_causes_group_the_members() -> None:
    old = {signal.TRAINED: (NOW - 61 * DAY).timestamp(), signal.ROWS: 2000.0}
    found = only(
        snapshot(
            {
                "a": {signal.DRIFT: 1.2, signal.ROWS: 1300.0},
                "b": {signal.REVISION: 0.0},
                "c": {signal.DRIFT: 1.2, signal.ROWS: 1299.0},
                "d": {signal.DEGRADED: 1.0, signal.ROWS: 1300.0, **old},
                "e": FRESH,
                "f": {signal.DRIFT: 1.4, signal.ROWS: 1500.0},
                "g": old,
            }
        )
    )
    assert isinstance(found, Train)
    assert found.groups == (
        Group("drifted() and new_rows(500)", ("a", "f")),
        Group(ANEW, ("b",)),
        Group("degraded() and older_than('60d') and new_rows(500)", ("d",)),
        Group(TRAINED_WITHOUT, ("e",)),
        Group("older_than('60d') and new_rows(500)", ("g",)),
    )
    assert found.why == "; ".join(group.cause for group in found.groups)
    assert not found.pooled


def test_a_cause_is_said_even_where_only_a_negation_holds() -> None:
    found = only(snapshot({"a": {}}, fleet(retrain=~ag.drifted())))
    assert isinstance(found, Train)
    assert found.groups == (Group("~drifted()", ("a",)),)


def test_a_person_may_ask_where_no_condition_holds() -> None:
    asked = only(snapshot({"a": {}, "b": {signal.ASKED: NOW.timestamp()}}, fleet(retrain=ag.never())))
    assert isinstance(asked, Train) and asked.groups == (Group("a person asked for it", ("b",)),)


def test_a_person_may_ask() -> None:
    asked = {signal.ASKED: NOW.timestamp()}
    found = only(snapshot({"a": asked, "b": {}, "c": FRESH | asked}, fleet(retrain=ag.never())))
    assert isinstance(found, Train)
    assert found.groups == (Group("a person asked for it", ("a",)), Group(TRAINED_WITHOUT, ("c",)))


def test_never_means_never() -> None:
    quiet = {signal.DRIFT: 9.0, signal.ROWS: 1e6, signal.TRAINED: 0.0}
    assert actions(snapshot({"a": quiet}, fleet(retrain=ag.never()))) == ()
    assert isinstance(only(snapshot({"a": quiet, "b": {signal.REVISION: 0.0}}, fleet(retrain=ag.never()))), Train)


@pytest.mark.parametrize(
    ("failures", "wait"),
    [
        (1, RETRY_FIRST),
        (2, 2 * RETRY_FIRST),
        (3, 4 * RETRY_FIRST),
        (9, RETRY_LAST),
        (64, RETRY_LAST),
        (5000, RETRY_LAST),
    ],
)
def test_failures_are_tried_again_ever_later(failures: int, wait: timedelta) -> None:
    at = NOW - HOUR
    given = snapshot({"a": FAILED | {"failures": failures, "execution_at": at}}, state={"watched": "x"})
    given.fleets["late"] = replace(given.fleets["late"], watched=watch_key(given, fleet(), at))
    early = [each for each in actions(given, at + wait - timedelta(seconds=1)) if not isinstance(each, Watch)]
    assert early == [Wait("retry of late", ("a",), "training failed; it is tried again later", at + wait)]
    assert any(isinstance(each, Train) for each in actions(given, at + wait))


def test_those_that_did_not_fail_are_trained_meanwhile() -> None:
    late = FAILED | {"failures": 1, "execution_at": NOW}
    found = actions(snapshot({"a": FRESH, "b": late, "c": late | {"failures": 3}}))
    assert [type(each) for each in found] == [Train, Wait]
    train, wait = found
    assert isinstance(train, Train)
    assert isinstance(wait, Wait)
    assert (train.members, wait.members, wait.until) == (("a",), ("b", "c"), NOW + RETRY_FIRST)


@pytest.mark.parametrize("blocked", ["flights", "weather"])
def test_a_blocked_dataset_names_the_members_that_wait(blocked: str) -> None:
    given = {"a": FRESH, "b": {}, "c": FRESH}
    found = only(snapshot(given, blocked={blocked: "12 rows of wind_speed are above 150"}))
    why = f"{blocked}: 12 rows of wind_speed are above 150"
    assert found == Wait(f"dataset {blocked}", ("a", "c", "b"), f"{why}; waiting: 2 models due now, 1 model once due")
    assert isinstance(only(snapshot(given, blocked={"planes": "empty"})), Train)
    nobody_due = snapshot({"b": {}, "d": {}}, blocked={blocked: "empty"})
    assert only(nobody_due) == Wait(f"dataset {blocked}", ("b", "d"), f"{blocked}: empty; waiting: 2 models once due")
    assert isinstance(only(snapshot(given, fleet(features=["distance"]), blocked={"weather": "x"})), Train)


@pytest.mark.parametrize(
    ("filled", "known", "why"),
    [
        (False, {}, "weather has no rows yet"),
        (True, {}, "it is computed from weather first"),
        (
            True,
            {"outdated": frozenset({"conditions"})},
            "its code or its declaration changed: it is computed from weather first",
        ),
        (
            True,
            {"outdated": frozenset({"conditions"}), "failed": {"conditions": "there is no column gust"}},
            "it could not be computed from weather: there is no column gust",
        ),
    ],
)
def test_a_view_without_rows_is_waited_for(filled: bool, known: dict[str, Any], why: str) -> None:
    versions = {"flights": version("flights", 3)} | ({"weather": version("weather", 2)} if filled else {})
    given = snapshot({"a": FRESH, "b": {}}, materialised={}, versions=versions, **known)
    found = [each for each in actions(given) if isinstance(each, Wait)]
    assert found == [Wait("view conditions", ("a",), f"{why}; waiting: 1 model due now")]
    idle = snapshot({"b": {}}, materialised={}, versions=versions, **known)
    assert not [each for each in actions(idle) if isinstance(each, Wait)]


def test_a_view_of_other_code_is_computed_anew() -> None:
    (found, *_) = actions(snapshot({}, materialised={}, outdated=frozenset({"conditions"})))
    assert found == Materialise(
        "conditions", 2, "its code or its declaration changed, so all of weather is computed anew"
    )


def test_new_versions_go_to_the_gates() -> None:
    found = only(snapshot({"a": {}, "b": {signal.JUDGED: 1.0}, "c": {signal.JUDGED: None}}))
    assert found == Gate("late", (2, 3), "2 versions not judged yet")


def test_an_approval_is_waited_for_and_then_asked_about() -> None:
    said: dict[str, Any] = {"fleet": "late", "gate": "approval by ann", "message": "waits for approval by ann"}
    asked = Waiting(version_id=2, key="b", number=3, **said)
    old = Waiting(version_id=77, key="c d", number=1, **said)
    found = only(snapshot({"a": {}, "b": {}}, state={"undecided": Undecided((asked, old))}))
    why = "version 3 waits for approval by ann (argosy approve late/b@3), and 1 more"
    assert found == Wait("approval of late", ("b", "c d"), why)
    only_old = only(snapshot({"a": {}}, state={"undecided": Undecided((old,))}))
    assert only_old.why == "version 1 waits for approval by ann (argosy approve 'late/c d@1')"
    given, gone = Undecided(answered=(2,)), Undecided(withdrawn=((2, "approval by ops"),))
    for undecided, why in (
        (given, "a person has answered"), (gone, "an approval that was asked for is declared no more")
    ):  # fmt: skip
        found = only(snapshot({"a": {}, "b": {}}, state={"undecided": undecided}))
        assert found == Gate("late", (2,), why)


def canary(version: int, since: timedelta, said: float | None = None, of: int | None = None) -> dict[str, Any]:
    """A member whose version is on a canary since a while, and what the rows say of which version."""
    return {
        "rollout_id": version, "rollout_version_id": version, "rollout_kind": "canary", "rollout_state": "started",
        "rollout_at": NOW - since,
        signal.CANARY: said, signal.CANARY_VERSION: None if said is None else float(of or version),
    }  # fmt: skip


def test_canaries_end_as_the_last_watch_said_of_them() -> None:
    given = {
        "a": canary(1, HOUR), "b": canary(2, 3 * HOUR), "c": canary(3, 3 * HOUR, 1.0), "d": canary(4, HOUR, -1.0),
        "e": canary(5, 3 * HOUR, -1.0), "f": canary(6, HOUR, 1.0), "g": canary(7, 3 * HOUR, 0.0),
        "h": canary(8, 3 * HOUR, -1.0, of=99), "i": {"rollout_state": "finished", "rollout_at": NOW - DAY},
    }  # fmt: skip
    found = only(snapshot(given))
    assert found == Finish("late", (3, 6), (4, 5), "2 held; 2 did not hold")
    assert actions(snapshot({"a": canary(1, HOUR), "b": canary(2, 3 * HOUR, 0.0)})) == ()


@pytest.mark.parametrize(
    ("since", "watched", "ends"),
    [
        (HOUR, HOUR, False),  # it bakes
        (2 * HOUR, HOUR, True),  # its bake is over just now
        (3 * HOUR, HOUR / 2, False),  # that was looked at before
        (2 * HOUR + DAY, HOUR, True),  # its patience is over, too
        (2 * HOUR + DAY, timedelta(), False),
    ],
)
def test_a_fleet_is_watched_again_at_the_end_of_a_canary(since: timedelta, watched: timedelta, ends: bool) -> None:
    given = fleet(rollout=ag.Canary(bake="2h", patience="1d"))
    found = actions(snapshot({"a": canary(1, since, 0.0)}, given, state={"watched_at": NOW - watched}))
    assert found == ((Watch("late", "the time of 1 rollout is over"),) if ends else ())


def test_canaries_end_at_once_where_the_rollout_became_immediate() -> None:
    given = {"a": canary(1, timedelta()), "b": canary(2, HOUR, 0.0), "c": canary(3, HOUR, -1.0)}
    found = only(snapshot(given, fleet(rollout=ag.Immediate())))
    assert found == Finish("late", (1, 2), (3,), "2 became immediate; 1 did not hold")


def test_a_canary_that_held_is_widened_until_its_last_step() -> None:
    steps = [(0.05, 1.0), (0.2, 1.0), (0.5, 1.0), (0.1, 1.0), (0.05, 0.0), (0.2, -1.0)]
    given = {
        key: canary(id, HOUR, said) | {"rollout_share": share}
        for id, (key, (share, said)) in enumerate(zip("abcdef", steps, strict=True), 1)
    }
    found = only(snapshot(given, fleet(rollout=ag.Canary(steps=[0.05, 0.2, 0.5]))))
    why = "1 held; 3 held so far; 1 did not hold"
    assert found == Finish("late", (3,), (6,), why, ((1, 0.2), (2, 0.5), (4, 0.2)))


def test_a_fleet_is_watched_again_when_the_time_of_any_kind_of_rollout_is_over() -> None:
    kinds = [("shadow", ag.Shadow(bake="1h"), HOUR), ("ab_test", ag.ABTest(longest="3h"), 3 * HOUR)]
    kinds.append(("shadow", ag.ABTest(longest="9h"), 2 * HOUR))  # declared anew: a shadow's own default holds
    for kind, rollout, ends in kinds:
        for since, over in ((ends, True), (ends / 2, False)):
            given = {"a": canary(1, since, 0.0) | {"rollout_kind": kind}}
            asked = snapshot(given, fleet(rollout=rollout), state={"watched_at": NOW - HOUR / 4})
            assert actions(asked) == ((Watch("late", "the time of 1 rollout is over"),) if over else ())


def everything() -> Snapshot:
    """A home in which every kind of action is due."""
    return snapshot(
        {
            "a": FRESH, "b": {signal.JUDGED: None}, "c": canary(3, DAY, 1.0),
            "d": FAILED | {"failures": 1, "execution_at": NOW},
        },
        pending={"flights": ("x",)}, materialised={"conditions": 1}, state={"segments": 1, "watched": None},
    )  # fmt: skip


def test_actions_come_in_the_order_of_their_phases() -> None:
    found = [type(each) for each in actions(everything())]
    assert found == [Ingest, Materialise, Record, Watch, Finish, Train, Gate, Wait]


def test_next_is_the_earliest_phase_only() -> None:
    given = plan(everything(), NOW)
    for phase in PHASES:
        assert {type(each) for each in given.next} == set(phase)
        rest = tuple(each for each in given.actions if not isinstance(each, phase))
        given = type(given)(given.at, rest)
    assert given.next == ()
    assert given.actions


@given(st.permutations(["a", "b", "c", "d", "e"]))
def test_fleets_are_planned_in_order_of_name(names: list[str]) -> None:
    given = snapshot({})
    one = given.fleets.pop("late")
    for name in names:
        given.fleets[name] = replace(one, fleet=fleet(name=name), segments=1, watched=None)
        given.wanted["fleet", name] = given.wanted["fleet", "late"]
    found = actions(given)
    assert [each.subject for each in found] == [f"{k}:{n}" for k in ("predictions", "watch") for n in sorted(names)]


def test_an_ab_test_by_a_column_that_the_spine_lacks_is_refused_before_anything_is_trained() -> None:
    wait = only(snapshot({"JFK": FRESH}, fleet(rollout=ag.ABTest(by="custmer"))))
    assert isinstance(wait, Wait) and "flights has no column 'custmer'; it has " in wait.why


def test_a_fleet_that_asks_for_a_column_its_spine_lacks_waits_and_says_what_there_is() -> None:
    wait = only(snapshot({"JFK": FRESH}, fleet(by=["orign"])))
    assert isinstance(wait, Wait) and wait.about == "columns of late"
    assert wait.why.startswith("late cannot train: flights has no column 'orign'; it has ")
