"""Routing: shares, stickiness, and one answer for each row."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from argosy.errors import UnknownError
from argosy.serving.routing import (
    Endpoint,
    Route,
    Routing,
    Rule,
    VersionRef,
    assign,
    choose,
    draw,
    member_key,
    stand_in,
)
from argosy.store.blobs import Slot
from argosy.store.verdicts import Waiting


def ref(id: int) -> VersionRef:
    return VersionRef(id, f"f/m@{id}", "lightgbm", Slot(f"{id:064d}", None, 0, 1), "s")


def endpoint(pooled: Route, **routes: Route) -> Endpoint:
    return Endpoint("f", "binary", ("k",), (), pooled=pooled, routes=routes)


FULL = endpoint(
    Route(ref(1)),
    own=Route(ref(2)),
    both=Route(ref(3), ref(4), 0.3),
    fresh=Route(None, ref(5), 0.5),
    empty=Route(),
)


@given(st.lists(st.tuples(st.sampled_from(["own", "both", "fresh", "empty", "new"]), st.text(max_size=8)), max_size=60))
def test_each_row_is_answered_once_and_as_if_alone(rows: list[tuple[str, str]]) -> None:
    keys, names = [k for k, _ in rows], [n for _, n in rows]
    got = assign(FULL, keys, names)
    assert sorted(i for group in got.groups.values() for i in group) == list(range(len(rows)))
    for i, (key, name) in enumerate(rows):
        assert (got.versions[i], got.reasons[i]) == choose(FULL, key, name)
        assert i in got.groups[got.versions[i]]


def test_reasons_say_why() -> None:
    assert choose(FULL, "own", "r") == (ref(2), "own")
    assert choose(FULL, "empty", "r") == (ref(1), "pooled")
    assert choose(FULL, "new", "r") == (ref(1), "unknown")
    assert {choose(FULL, "fresh", str(i)) for i in range(50)} == {(ref(5), "canary"), (ref(1), "pooled")}


@given(st.floats(0, 1))
def test_the_share_is_met_within_chance(share: float) -> None:
    routed = endpoint(Route(), m=Route(ref(1), ref(2), share))
    seen = sum(choose(routed, "m", f"row-{i}")[1] == "canary" for i in range(2000))
    assert abs(seen / 2000 - share) < 0.06


def test_a_row_keeps_its_version_while_the_share_grows() -> None:
    small, large = (endpoint(Route(), m=Route(ref(1), ref(2), share)) for share in (0.2, 0.6))
    rows = [f"row-{i}" for i in range(500)]
    first = {row for row in rows if choose(small, "m", row)[1] == "canary"}
    second = {row for row in rows if choose(large, "m", row)[1] == "canary"}
    assert 0 < len(first) < len(second) and first < second


def test_another_rollout_draws_other_rows() -> None:
    rows = [f"row-{i}" for i in range(400)]
    assert {r for r in rows if draw(ref(1), r) < 0.5} != {r for r in rows if draw(ref(2), r) < 0.5}


def test_the_pooled_model_may_have_a_canary_of_its_own() -> None:
    routed = endpoint(Route(ref(1), ref(2), 1.0), m=Route())
    assert choose(routed, "m", "r") == (ref(2), "canary")


def test_a_challenger_says_that_it_is_no_canary() -> None:
    routed = endpoint(Route(), m=Route(ref(1), ref(2), 1.0, tried="challenger"))
    assert choose(routed, "m", "r") == (ref(2), "challenger")


def test_a_rule_goes_before_what_chance_says_and_one_for_the_member_before_that_for_the_fleet() -> None:
    callers = {
        "tests": {None: Rule("challenger"), "own": Rule("version", ref(7))},
        "bills": {None: Rule("champion")},
        "rough": {None: Rule("pooled")},
    }
    routed = msgspec.structs.replace(FULL, callers=callers)
    rows = [str(i) for i in range(50)]
    assert {choose(routed, "both", row, "tests") for row in rows} == {(ref(4), "caller")}
    assert {choose(routed, "both", row, "bills") for row in rows} == {(ref(3), "caller")}
    assert {choose(routed, "both", row, "others") for row in rows} == {(ref(3), "own"), (ref(4), "canary")}
    assert choose(routed, "own", "r", "tests") == (ref(7), "caller")
    assert choose(routed, "own", "r", "bills") == (ref(2), "own")
    assert choose(routed, "new", "r", "tests") == (ref(1), "unknown")
    assert {choose(routed, key, "r", "rough") for key in ("own", "both", "new")} == {(ref(1), "caller")}
    assert assign(routed, ["own", "empty"], ["r", "r"], "tests").reasons == ["caller", "pooled"]
    assert ref(7) in routed.versions


def test_a_rule_may_let_the_version_answer_that_else_only_scores() -> None:
    routed = endpoint(Route(), m=Route(ref(1), None, 1.0, ref(2)))
    routed = msgspec.structs.replace(routed, callers={"tests": {None: Rule("challenger")}})
    assert choose(routed, "m", "r", "tests") == (ref(2), "caller")
    assert choose(routed, "m", "r") == (ref(1), "own")


def test_a_rule_for_a_pooled_model_that_is_not_there_changes_nothing() -> None:
    routed = endpoint(Route(), m=Route(ref(1)))
    routed = msgspec.structs.replace(routed, callers={"tests": {None: Rule("pooled")}})
    assert choose(routed, "m", "r", "tests") == (ref(1), "own")


def test_the_champion_stands_in_for_others_and_nobody_for_it() -> None:
    assert stand_in(FULL, "both", ref(4), "canary") == (ref(3), "own")
    assert stand_in(FULL, "both", ref(9), "caller") == (ref(3), "own")
    assert stand_in(FULL, "both", ref(3), "caller") == (None, "own")
    assert stand_in(FULL, "both", ref(3), "own") == (None, "own")
    assert stand_in(FULL, "empty", ref(4), "challenger") == (ref(1), "pooled")


def test_the_pooled_model_stands_in_for_a_champion_that_cannot_be_read() -> None:
    assert stand_in(FULL, "own", ref(2), "own", unread=True) == (ref(1), "fallback")
    assert stand_in(FULL, "own", ref(1), "fallback", unread=True)[0] is None
    assert stand_in(endpoint(Route(), own=Route(ref(2))), "own", ref(2), "own", unread=True)[0] is None


def test_without_a_pooled_model_an_unknown_member_is_named() -> None:
    with pytest.raises(UnknownError, match=r"'f/new' is not known and no pooled model of fleet 'f' answers"):
        choose(endpoint(Route()), "new", "r")
    with pytest.raises(UnknownError, match="'f/m' has no champion"):
        choose(endpoint(Route(), m=Route()), "m", "r")
    with pytest.raises(UnknownError, match="no fleet 'g'"):
        Routing(1, {"f": FULL}).endpoint("g")


def test_a_member_whose_version_waits_for_a_person_is_told_with_whom_and_how_to_answer() -> None:
    def asked(key: str) -> Waiting:
        return Waiting(
            version_id=7, fleet="f", key=key, number=3, gate="approval by ops", message="waits for approval by ops"
        )

    own = msgspec.structs.replace(endpoint(Route(), m=Route()), waiting={"m": asked("m"), "*": asked("*")})
    with pytest.raises(UnknownError) as caught:
        choose(own, "m", "r")
    assert caught.value.message == "member 'f/m' has no champion: version 3 waits for approval by ops"
    assert caught.value.next == "argosy approve f/m@3"
    with pytest.raises(UnknownError) as caught:
        choose(own, "new", "r")
    said = "member 'f/new' is not known, and of the pooled model version 3 waits for approval by ops"
    assert (caught.value.message, caught.value.next) == (said, "argosy approve 'f/*@3'")


@given(st.lists(st.text(max_size=6), min_size=1, max_size=3), st.lists(st.text(max_size=6), min_size=1, max_size=3))
def test_member_keys_never_collide(one: list[str], other: list[str]) -> None:
    if len(one) == len(other):
        assert (member_key(one) == member_key(other)) == (one == other)


def test_member_keys_read_well() -> None:
    assert member_key(["JFK", "AA"]) == "JFK/AA"
    assert member_key(["50%", "a/b", 7, True]) == "50%25/a%2Fb/7/true"
    assert member_key([]) == ""
