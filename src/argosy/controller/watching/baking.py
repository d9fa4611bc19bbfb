"""Canaries under way, judged on the rows of theirs and the champion's that have come in since they started."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import numpy as np
import polars as pl
from sqlalchemy import Connection

from argosy.controller import signal
from argosy.controller.house import House
from argosy.controller.observe import FleetState, Snapshot
from argosy.controller.watching import answered
from argosy.monitoring.canary import Arm, Judgement, judge
from argosy.spec import duration
from argosy.spec.dataset import Dataset
from argosy.spec.rollout import Canary
from argosy.store import versions

_SAYS = {"roll back": -1.0, "continue": 0.0, "promote": 1.0}
_NOTHING = np.empty(0)


def measure(
    house: House, conn: Connection, snapshot: Snapshot, state: FleetState, came: pl.DataFrame, now: datetime
) -> dict[str, dict[str, Any]]:
    """Signals per member with a canary under way: what its rows say, of which version, and the evidence.

    `came` are all rows since the oldest canary started, as `answered.arrived` gives them.
    """
    running = state.table.filter((pl.col("rollout_state") == "started").fill_null(False))
    if running.is_empty():
        return {}
    spine = snapshot.wanted["dataset", state.fleet.spine].declaration
    assert isinstance(spine, Dataset)
    numbers = {id: each.number for id, each in versions.get(conn, running["rollout_version_id"]).items()}
    told = snapshot.versions.get(spine.name)
    rows = answered.labelled(conn, house.store, house.memory.kept, state.fleet, spine, told, came, now)
    return weigh(state, rows, numbers, now)


def weigh(
    state: FleetState, rows: pl.DataFrame, numbers: Mapping[int, int], now: datetime
) -> dict[str, dict[str, Any]]:  # fmt: skip
    """`measure` of rows with their `label`; `numbers` gives the number of each canary's version."""
    rollout = state.fleet.rollout
    running = state.table.filter((pl.col("rollout_state") == "started").fill_null(False))
    if running.is_empty() or not isinstance(rollout, Canary):
        return {}
    addresses = [
        f"{state.fleet.name}/{key}@{numbers[id]}" if key else f"{state.fleet.name}@{numbers[id]}"
        for key, id in running.select("key", "rollout_version_id").iter_rows()
    ]
    canaries = running.select("key", "pooled", "rollout_at", canary=pl.Series(addresses, dtype=pl.String))
    arms = _arms(canaries, rows)
    metric = rollout.metric or state.fleet.search.metric
    bake, patience = duration.parse(rollout.bake), duration.parse(rollout.patience)
    found = {}
    for key, id, began in running.select("key", "rollout_version_id", "rollout_at").iter_rows():
        canary, champion = (arms.get((key, mine), Arm(_NOTHING, _NOTHING, 0)) for mine in (True, False))
        judged = judge(
            canary, champion, metric, baked=now - began >= bake, waited=now - began >= bake + patience,
            minimum_rows=rollout.minimum_rows, errors=rollout.errors,
        )  # fmt: skip
        ended = "" if judged.verdict == "continue" else f"after {duration.show(now - began)}: "
        found[key] = {
            signal.CANARY: _SAYS[judged.verdict],
            signal.CANARY_VERSION: float(id),
            "body": {"version": id, "reason": ended + judged.reason} | _evidence(judged, metric, canary, champion),
        }
    return found


def _arms(canaries: pl.DataFrame, rows: pl.DataFrame) -> dict[tuple[str, bool], Arm]:
    """What the canary (true) and the champion (false) of each member did, where they did anything."""
    numbers = pl.col("label", "prediction").cast(pl.Float64)
    given = answered.tried(
        _since(canaries, rows.select("row_key", "member", "at", "version", "arrived", numbers)), ["key"]
    )
    scored = ~pl.col("failed") & pl.col("label").is_not_null()
    found = given.group_by("key", "mine").agg(
        pl.col("label", "prediction").filter(scored), answered=(~pl.col("failed")).sum(), failed=pl.col("failed").sum()
    )
    columns = found.select("key", "mine", "label", "prediction", "answered", "failed").iter_columns()
    return {
        (key, mine): Arm(y.to_numpy(), p.to_numpy(), answers, failures)
        for key, mine, y, p, answers, failures in zip(*columns, strict=True)
    }


def _since(canaries: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """The rows of each canary's member that came in since it started, with its `key` and whether they are its (`mine`).

    By arrival, not by decision time: a nightly batch states those of the day, a replay those of
    last year. The pooled model's rows are those of any of its versions, whosever they are.
    """
    of_members = rows.join(canaries.filter(~pl.col("pooled")), left_on="member", right_on="key", how="inner")
    prefix = pl.col("canary").str.replace(r"[0-9]+$", "")
    of_pooled = rows.join(canaries.filter("pooled"), how="cross").filter(pl.col("version").str.starts_with(prefix))
    found = pl.concat([of_members.with_columns(key="member"), of_pooled.select(*of_members.columns, "key")])
    return found.filter(pl.col("arrived") >= pl.col("rollout_at")).with_columns(
        mine=pl.col("version") == pl.col("canary")
    )


def _evidence(judged: Judgement, metric: str, canary: Arm, champion: Arm) -> dict[str, Any]:
    return {
        "metric": metric,
        "gain": _number(judged.gain),
        "low": _number(judged.low),
        "high": _number(judged.high),
        "canary_rows": judged.canary_rows,
        "champion_rows": judged.champion_rows,
        "canary_answered": canary.answered,
        "canary_failed": canary.failed,
        "champion_answered": champion.answered,
        "champion_failed": champion.failed,
    }


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
