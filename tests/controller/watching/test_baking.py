"""Canaries under way: each is judged against the rows of its own champion alone."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import polars as pl

import argosy as ag
from argosy.controller import signal
from argosy.controller.watching.baking import measure
from tests.controller.snapshots import NOW, fleet, snapshot

STARTED = NOW - timedelta(hours=1)


def canary(id: int) -> dict[str, Any]:
    return {"version_id": id, "rollout_version_id": id, "rollout_state": "started", "rollout_at": STARTED}


def answered(member: str, version: str, route: str, right: bool, count: int = 200) -> pl.DataFrame:
    label = pl.Series([i % 2 for i in range(count)], dtype=pl.Float64)
    told = label if right else 1.0 - label
    wobble = pl.Series([(i * 37 % 100) / 500 for i in range(count)])
    return pl.DataFrame({
        "at": NOW - timedelta(minutes=30), "member": member, "version": version, "route": route,
        "prediction": told * 0.6 + 0.1 + wobble, "label": label,
    })  # fmt: skip


def test_the_pooled_canary_is_not_held_against_the_canaries_of_members() -> None:
    """The pooled models are equally good; a member's own canary is wrong on every row, which is its own affair."""
    given = fleet(rollout=ag.Canary(bake="2h", minimum_rows=50), search=ag.Search(metric="log_loss"))
    state = snapshot({"*": canary(11), "JFK": canary(12), "LGA": {}}, given).fleets["late"]
    rows = pl.concat([
        answered("LGA", "late/*@1", "pooled", right=True),
        answered("XXX", "late/*@1", "unknown", right=True),
        answered("LGA", "late/*@2", "canary", right=True),
        answered("JFK", "late/JFK@5", "canary", right=False),
        answered("JFK", "late/JFK@4", "own", right=True),
    ])  # fmt: skip
    found = measure(state, rows, rows, {11: 2, 12: 5}, NOW)
    pooled, own = found["*"], found["JFK"]
    assert (pooled["body"]["canary_rows"], pooled["body"]["champion_rows"]) == (200, 400)
    assert pooled[signal.CANARY] == 0.0 and pooled["body"]["gain"] == 0.0
    assert (own["body"]["canary_rows"], own["body"]["champion_rows"]) == (200, 200)
    assert own[signal.CANARY] == -1.0 and own[signal.CANARY_VERSION] == 12.0


def test_what_was_answered_before_a_canary_started_says_nothing_of_it() -> None:
    given = fleet(rollout=ag.Canary(bake="2h", minimum_rows=50))
    state = snapshot({"JFK": canary(12)}, given).fleets["late"]
    early = answered("JFK", "late/JFK@4", "own", right=True).with_columns(at=pl.lit(STARTED - timedelta(minutes=1)))
    found = measure(state, early, early, {12: 5}, NOW)["JFK"]
    assert found["body"]["champion_rows"] == 0 and found[signal.CANARY] == 0.0


def test_a_fleet_without_canaries_under_way_has_nothing_to_say() -> None:
    state = snapshot({"JFK": {}}).fleets["late"]
    rows = answered("JFK", "late/JFK@1", "own", right=True)
    assert measure(state, rows, rows, {}, NOW) == {}
