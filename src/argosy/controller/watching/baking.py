"""Rollouts under way, judged on the rows of theirs and the champion's that have come in since they started."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import numpy as np
import polars as pl
from sqlalchemy import Connection

from argosy.controller import signal
from argosy.controller.house import House
from argosy.controller.observe import FleetState, Snapshot
from argosy.controller.watching import answered, arms, vitals
from argosy.controller.watching.arms import Sides
from argosy.monitoring import abtest, canary, shadow
from argosy.monitoring.abtest import Units
from argosy.monitoring.arm import Judgement
from argosy.spec import duration
from argosy.spec.dataset import Dataset
from argosy.spec.fleet import Fleet
from argosy.spec.rollout import ABTest, Canary, Gradual, Immediate, Shadow, under_way
from argosy.store import versions

_SAYS = {"roll back": -1.0, "continue": 0.0, "promote": 1.0}
_NO_UNITS = Units(np.empty(0), np.empty(0))
Judge = Callable[[str, timedelta], tuple[Judgement, Sides]]
"""Judges the rollout of a member, by its key, that has been under way for so long."""


def measure(
    house: House, conn: Connection, snapshot: Snapshot, state: FleetState, came: pl.DataFrame, now: datetime
) -> dict[str, dict[str, Any]]:
    """Signals per member with a rollout under way: what its rows say, of which version, and the evidence.

    `came` are all rows since the oldest of them started, as `answered.arrived` gives them.
    """
    running = _running(state)
    if running.is_empty():
        return {}
    spine = snapshot.wanted["dataset", state.fleet.spine].declaration
    assert isinstance(spine, Dataset)
    found = versions.get(conn, running["rollout_version_id"])
    numbers = {id: each.number for id, each in found.items()}
    told, rollout = snapshot.versions.get(spine.name), state.fleet.rollout
    by = rollout.by if isinstance(rollout, ABTest) else None
    rows = answered.labelled(conn, house.store, house.memory.kept, state.fleet, spine, told, came, now, unit=by)
    against = vitals.against(house, conn, snapshot, state, found)
    return weigh(state, rows if by else rows.with_columns(unit=pl.lit(None, pl.String)), numbers, now, against)


def weigh(
    state: FleetState, rows: pl.DataFrame, numbers: Mapping[int, int], now: datetime,
    against: Mapping[str, str] | None = None,
) -> dict[str, dict[str, Any]]:  # fmt: skip
    """`measure` of rows with their `label` and `unit`; `numbers` gives the number of each new version.

    `against` says by key what else speaks against canaries.
    """
    fleet, running = state.fleet, _running(state)
    if running.is_empty() or isinstance(fleet.rollout, Immediate):
        return {}
    found = {}
    tries = arms.tries(fleet.name, running, numbers)
    for (kind,), some in tries.partition_by("rollout_kind", as_dict=True).items():
        rollout = under_way(fleet.rollout, str(kind))
        score = _score(fleet, rollout)
        judge = _judge(rollout, score, arms.of(some.drop("rollout_kind"), _columns(rows)), against or {})
        mine = running.filter(pl.col("rollout_kind") == kind).select("key", "rollout_version_id", "rollout_at")
        for key, id, began in mine.iter_rows():
            judged, sides = judge(key, now - began)
            ended = "" if judged.verdict == "continue" else f"after {duration.show(now - began)}: "
            found[key] = {
                signal.CANARY: _SAYS[judged.verdict],
                signal.CANARY_VERSION: float(id),
                "body": {"version": id, "reason": ended + judged.reason} | _evidence(judged, score, sides),
            }
    return found


def _score(fleet: Fleet, rollout: Gradual) -> str:
    """By which score or loss a rollout is judged."""
    if isinstance(rollout, ABTest):
        return rollout.loss(fleet.search.metric, fleet.task)
    return rollout.metric or fleet.search.metric


def _judge(rollout: Gradual, score: str, rows: pl.DataFrame, against: Mapping[str, str]) -> Judge:
    match rollout:
        case Canary():
            return partial(_canary, rollout, score, arms.answering(rows), against)
        case Shadow():
            return partial(_shadow, rollout, score, arms.shadowing(rows))
        case ABTest():
            return partial(_ab_test, rollout, score, arms.answering(rows), arms.units(rows, score))


def _canary(
    rollout: Canary, score: str, sides: Mapping[str, Sides], against: Mapping[str, str], key: str, age: timedelta
) -> tuple[Judgement, Sides]:
    bake, patience = rollout.deadlines
    mine = sides.get(key, arms.NOTHING)
    judged = canary.judge(
        mine.ours, mine.theirs, score, baked=age >= bake, waited=age >= patience, minimum_rows=rollout.minimum_rows,
        errors=rollout.errors, against=against.get(key, ""),
    )  # fmt: skip
    return judged, mine


def _shadow(
    rollout: Shadow, score: str, sides: Mapping[str, Sides], key: str, age: timedelta
) -> tuple[Judgement, Sides]:
    bake, patience = rollout.deadlines
    mine = sides.get(key, arms.NOTHING)
    judged = shadow.judge(
        mine.ours, mine.theirs, score, baked=age >= bake, waited=age >= patience, apart=mine.apart, paired=mine.paired,
        difference=rollout.difference, minimum_rows=rollout.minimum_rows, errors=rollout.errors,
    )  # fmt: skip
    return judged, mine


def _ab_test(
    rollout: ABTest, score: str, sides: Mapping[str, Sides], units: Mapping[tuple[str, bool], Units], key: str,
    age: timedelta,
) -> tuple[Judgement, Sides]:  # fmt: skip
    mine = sides.get(key, arms.NOTHING)
    judged = abtest.judge(
        mine.ours, mine.theirs, units.get((key, True), _NO_UNITS), units.get((key, False), _NO_UNITS), score,
        over=age >= rollout.deadlines[0], alpha=rollout.alpha, effect=rollout.effect,
        minimum_rows=rollout.minimum_rows, errors=rollout.errors,
    )  # fmt: skip
    return judged, mine


def _running(state: FleetState) -> pl.DataFrame:
    return state.table.filter((pl.col("rollout_state") == "started").fill_null(False))


def _columns(rows: pl.DataFrame) -> pl.DataFrame:
    numbers = pl.col("label", "prediction").cast(pl.Float64)
    return rows.select("row_key", "member", "at", "version", "arrived", "ruled", "shadow", "unit", numbers)


def _evidence(judged: Judgement, score: str, sides: Sides) -> dict[str, Any]:
    told = {
        "metric": score,
        "gain": _number(judged.gain),
        "low": _number(judged.low),
        "high": _number(judged.high),
        "canary_rows": judged.canary_rows,
        "champion_rows": judged.champion_rows,
        "canary_answered": sides.ours.answered,
        "canary_failed": sides.ours.failed,
        "champion_answered": sides.theirs.answered,
        "champion_failed": sides.theirs.failed,
    }
    return told | ({"paired": sides.paired, "apart": sides.apart} if sides.paired else {})


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
