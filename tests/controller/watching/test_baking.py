"""Canaries under way: each is judged against the rows of its own champion alone."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import polars as pl

import argosy as ag
from argosy.controller import signal
from argosy.controller.watching.baking import weigh
from tests.controller.snapshots import NOW, fleet, snapshot

STARTED = NOW - timedelta(hours=1)


def canary(id: int) -> dict[str, Any]:
    return {
        "version_id": id, "rollout_version_id": id, "rollout_kind": "canary", "rollout_state": "started",
        "rollout_at": STARTED,
    }  # fmt: skip


def answered(member: str, version: str, right: bool, count: int = 200) -> pl.DataFrame:
    label = pl.Series([i % 2 for i in range(count)], dtype=pl.Float64)
    told = label if right else 1.0 - label
    wobble = pl.Series([(i * 37 % 100) / 500 for i in range(count)])
    return pl.DataFrame({
        "row_key": "", "at": NOW - timedelta(days=30), "arrived": NOW - timedelta(minutes=30),
        "member": member, "version": version, "prediction": told * 0.6 + 0.1 + wobble, "label": label, "ruled": False,
        "shadow": False, "unit": None,
    })  # fmt: skip


def failures(member: str, version: str, count: int) -> pl.DataFrame:
    """Rows that a version failed on."""
    none = pl.lit(None, pl.Float64)
    return answered(member, version, right=True, count=count).with_columns(prediction=none, label=none)


def test_the_pooled_canary_is_not_held_against_the_canaries_of_members() -> None:
    """The pooled models are equally good; a member's own canary is wrong on every row, which is its own affair."""
    given = fleet(rollout=ag.Canary(bake="2h", minimum_rows=50), search=ag.Search(metric="log_loss"))
    state = snapshot({"*": canary(11), "JFK": canary(12), "LGA": {}}, given).fleets["late"]
    rows = pl.concat([
        answered("LGA", "late/*@1", right=True),
        answered("XXX", "late/*@1", right=True),
        answered("LGA", "late/*@2", right=True),
        answered("JFK", "late/JFK@5", right=False),
        answered("JFK", "late/JFK@4", right=True),
    ])  # fmt: skip
    found = weigh(state, rows, {11: 2, 12: 5}, NOW)
    pooled, own = found["*"], found["JFK"]
    assert (pooled["body"]["canary_rows"], pooled["body"]["champion_rows"]) == (200, 400)
    assert pooled[signal.CANARY] == 0.0 and pooled["body"]["gain"] == 0.0
    assert (own["body"]["canary_rows"], own["body"]["champion_rows"]) == (200, 200)
    assert own[signal.CANARY] == -1.0 and own[signal.CANARY_VERSION] == 12.0


def test_what_came_in_before_a_canary_started_says_nothing_of_it() -> None:
    given = fleet(rollout=ag.Canary(bake="2h", minimum_rows=50))
    state = snapshot({"JFK": canary(12)}, given).fleets["late"]
    early = answered("JFK", "late/JFK@4", right=True).with_columns(arrived=pl.lit(STARTED - timedelta(minutes=1)))
    found = weigh(state, early, {12: 5}, NOW)["JFK"]
    assert found["body"]["champion_rows"] == 0 and found[signal.CANARY] == 0.0
    assert found["body"]["reason"] == "it was asked for no row yet"


def test_a_fleet_without_canaries_under_way_has_nothing_to_say() -> None:
    state = snapshot({"JFK": {}}).fleets["late"]
    rows = answered("JFK", "late/JFK@1", right=True)
    assert weigh(state, rows, {}, NOW) == {}


def test_failures_are_counted_for_the_version_that_failed() -> None:
    """A canary that fails on all of its rows, another that fails no more often than its champion, and the pooled."""
    given = fleet(rollout=ag.Canary(bake="2h", errors=0.01))
    state = snapshot({"*": canary(11), "JFK": canary(12), "LGA": canary(13)}, given).fleets["late"]
    rows = pl.concat([
        answered("JFK", "late/JFK@4", right=True, count=40), answered("LGA", "late/LGA@1", True, 90),
        answered("LGA", "late/LGA@2", True, 18), answered("XXX", "late/*@1", True, 30),
        answered("YYY", "late/*@2", True, 7),
    ])  # fmt: skip
    failed = pl.concat([
        failures("JFK", "late/JFK@5", 10), failures("LGA", "late/LGA@2", 2), failures("LGA", "late/LGA@1", 10),
        failures("JFK", "late/JFK@5", 3).with_columns(arrived=pl.lit(STARTED - timedelta(minutes=1))),
        failures("ZZZ", "late/*@1", 1),
    ])  # fmt: skip
    found = weigh(state, pl.concat([rows, failed]), {11: 2, 12: 5, 13: 2}, NOW)
    arms = {
        key: [seen["body"][f"{who}_{what}"] for who in ("canary", "champion") for what in ("answered", "failed")]
        for key, seen in found.items()
    }
    assert arms == {"*": [7, 0, 30, 1], "JFK": [0, 10, 40, 0], "LGA": [18, 2, 90, 10]}
    assert {key: seen[signal.CANARY] for key, seen in found.items()} == {"*": 0.0, "JFK": -1.0, "LGA": 0.0}
    said = found["JFK"]["body"]
    assert said["version"] == 12
    assert said["reason"].startswith("after 1h: 10 of 10 rows failed, of the champion's 0 of 40; 0.01 of them may")


def test_at_the_end_of_its_time_the_reason_says_on_what_evidence() -> None:
    given = fleet(rollout=ag.Canary(bake="1h", patience="2h", minimum_rows=50), search=ag.Search(metric="log_loss"))
    late = {"rollout_at": NOW - timedelta(hours=3)}
    members = {"JFK": canary(12), "LGA": canary(13), "BOS": canary(14), "EWR": canary(15) | late}
    state = snapshot(members, given).fleets["late"]
    rows = pl.concat([
        answered("JFK", "late/JFK@5", True, 12), answered("JFK", "late/JFK@4", True, 60),
        answered("LGA", "late/LGA@5", True, 60), answered("LGA", "late/LGA@4", True, 80),
    ])  # fmt: skip
    found = weigh(state, rows, {id: 5 for id in range(12, 16)}, NOW)
    said = {key: (seen[signal.CANARY], seen["body"]["reason"]) for key, seen in found.items()}
    few = "12 of 50 labelled rows (champion 60), judged by its errors alone: 0 of 12 rows failed"
    assert said["JFK"] == (1.0, f"after 1h: {few}")
    assert said["LGA"][0] == 1.0 and said["LGA"][1].startswith("after 1h: log_loss gain ")
    assert said["LGA"][1].endswith("on 60 labelled rows (champion 80); 0 of 60 rows failed")
    assert said["BOS"] == (0.0, "it was asked for no row yet")
    assert said["EWR"] == (1.0, "after 3h: it was asked for no row, so only its gates speak for it")


def shadowed(member: str, version: str, by: str, count: int = 200) -> pl.DataFrame:
    """Rows that the champion answered well, and a shadow scored wrongly."""
    keys = pl.Series([f"{member}{i}" for i in range(count)])
    own = answered(member, version, True, count).with_columns(row_key=keys)
    return pl.concat([own, answered(member, by, False, count).with_columns(row_key=keys, shadow=pl.lit(True))])


def test_a_shadow_is_held_against_the_champion_on_the_same_rows() -> None:
    given = fleet(rollout=ag.Shadow(bake="2h"), search=ag.Search(metric="log_loss"))
    state = snapshot({"JFK": canary(12) | {"rollout_kind": "shadow"}}, given).fleets["late"]
    found = weigh(state, shadowed("JFK", "late/JFK@4", "late/JFK@5"), {12: 5}, NOW)["JFK"]
    assert found[signal.CANARY] == -1.0
    assert (found["body"]["paired"], found["body"]["canary_rows"], found["body"]["champion_rows"]) == (200, 200, 200)
    assert found["body"]["reason"].startswith("after 1h: log_loss gain -")


def test_an_ab_test_is_decided_by_its_loss_and_by_the_units_that_it_assigns() -> None:
    given = fleet(rollout=ag.ABTest(metric="brier", longest="2h"))
    members = {key: canary(id) | {"rollout_kind": "ab_test"} for key, id in (("JFK", 12), ("LGA", 13))}
    state = snapshot(members, given).fleets["late"]
    keys = pl.Series([str(i) for i in range(200)])
    rows = pl.concat([
        answered("JFK", "late/JFK@5", True).with_columns(row_key=keys),
        answered("JFK", "late/JFK@4", False).with_columns(row_key=keys),
        answered("LGA", "late/LGA@5", True).with_columns(row_key=keys, unit=pl.lit("ann")),
        answered("LGA", "late/LGA@4", False).with_columns(row_key=keys, unit=pl.lit("bob")),
    ], how="vertical_relaxed")  # fmt: skip
    found = weigh(state, rows, {12: 5, 13: 5}, NOW)
    assert (found["JFK"][signal.CANARY], found["LGA"][signal.CANARY]) == (1.0, 0.0)
    assert found["JFK"]["body"]["metric"] == "brier"
    assert found["LGA"]["body"]["reason"] == "1 of 100 labelled observations (champion 1): 0 of 200 rows failed"


def test_a_rollout_of_another_kind_than_is_declared_by_now_goes_on_by_its_defaults() -> None:
    given = fleet(rollout=ag.ABTest(), search=ag.Search(metric="log_loss"))
    state = snapshot({"JFK": canary(12)}, given).fleets["late"]
    found = weigh(state, answered("JFK", "late/JFK@4", True), {12: 5}, NOW)["JFK"]
    assert found["body"]["reason"] == "it was asked for no row yet" and found["body"]["metric"] == "log_loss"
