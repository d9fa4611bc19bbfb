"""Canaries under way, judged on the rows that they and the champion answered since they started."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import numpy as np
import polars as pl

from argosy.controller import signal
from argosy.controller.observe import FleetState
from argosy.monitoring.canary import Arm, Judgement, judge
from argosy.spec import duration
from argosy.spec.rollout import Canary

POOLED = "*"
_SAYS = {"roll back": -1.0, "continue": 0.0, "promote": 1.0}


def measure(
    state: FleetState, answered: pl.DataFrame, labelled: pl.DataFrame, numbers: Mapping[int, int], now: datetime
) -> dict[str, dict[str, Any]]:
    """Signals per member with a canary under way: what the rows say of it, of which version, and the evidence.

    `answered` are all rows since the oldest canary started, `labelled` those among them with a `label`; `numbers` gives
    the number of each canary's version.
    """
    rollout = state.fleet.rollout
    running = state.table.filter((pl.col("rollout_state") == "started").fill_null(False))
    if running.is_empty() or not isinstance(rollout, Canary):
        return {}
    metric = rollout.metric or state.fleet.search.metric
    found = {}
    for row in running.iter_rows(named=True):
        since = pl.col("at") >= row["rollout_at"]
        address = f"{state.fleet.name}/{row['key']}@" if row["key"] else f"{state.fleet.name}@"
        mine = pl.col("version").str.starts_with(address) if row["pooled"] else pl.col("member") == row["key"]
        canary = pl.col("version") == f"{address}{numbers[row['rollout_version_id']]}"
        judged = judge(
            _arm(answered.filter(since & mine & canary), labelled.filter(since & mine & canary)),
            _arm(answered.filter(since & mine & ~canary), labelled.filter(since & mine & ~canary)),
            metric,
            baked=now - row["rollout_at"] >= duration.parse(rollout.bake),
            minimum_rows=rollout.minimum_rows,
        )
        found[row["key"]] = {
            signal.CANARY: _SAYS[judged.verdict],
            signal.CANARY_VERSION: float(row["rollout_version_id"]),
            "body": _evidence(judged, metric),
        }
    return found


def _evidence(judged: Judgement, metric: str) -> dict[str, Any]:
    return {
        "reason": judged.reason,
        "metric": metric,
        "gain": _number(judged.gain),
        "low": _number(judged.low),
        "high": _number(judged.high),
        "canary_rows": judged.canary_rows,
        "champion_rows": judged.champion_rows,
    }


def _arm(answered: pl.DataFrame, labelled: pl.DataFrame) -> Arm:
    known = labelled.drop_nulls(["label", "prediction"])
    y, p = known["label"].to_numpy(), known["prediction"].to_numpy()
    return Arm(y.astype(np.float64), p.astype(np.float64), answered.height)


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
