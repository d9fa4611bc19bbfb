"""Canaries under way, judged on the rows that they and the champion were to answer since they started."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import numpy as np
import polars as pl
from sqlalchemy import Connection

from argosy.controller import signal
from argosy.controller.observe import FleetState
from argosy.controller.watching import answered
from argosy.monitoring.canary import Arm, Judgement, judge
from argosy.spec import duration
from argosy.spec.rollout import Canary
from argosy.store import versions
from argosy.store.store import Store

_SAYS = {"roll back": -1.0, "continue": 0.0, "promote": 1.0}
_NOTHING = np.empty(0)
_READ = ("member", "at", "version")


def measure(
    conn: Connection, store: Store, state: FleetState, rows: pl.DataFrame, labelled: pl.DataFrame, now: datetime
) -> dict[str, dict[str, Any]]:
    """Signals per member with a canary under way: what its rows say, of which version, and the evidence.

    `rows` are all answered rows since the oldest canary started, `labelled` those among them with a `label`. Rows that
    a version failed on are read here.
    """
    running = state.table.filter((pl.col("rollout_state") == "started").fill_null(False))
    if running.is_empty():
        return {}
    numbers = {id: each.number for id, each in versions.get(conn, running["rollout_version_id"]).items()}
    since: Any = running["rollout_at"].min()
    return weigh(state, rows, labelled, answered.failed(conn, store, state.fleet.name, since), numbers, now)


def weigh(
    state: FleetState, rows: pl.DataFrame, labelled: pl.DataFrame, failed: pl.DataFrame, numbers: Mapping[int, int],
    now: datetime,
) -> dict[str, dict[str, Any]]:  # fmt: skip
    """`measure` of rows that were read; `numbers` gives the number of each canary's version."""
    rollout = state.fleet.rollout
    running = state.table.filter((pl.col("rollout_state") == "started").fill_null(False))
    if running.is_empty() or not isinstance(rollout, Canary):
        return {}
    addresses = [
        f"{state.fleet.name}/{key}@{numbers[id]}" if key else f"{state.fleet.name}@{numbers[id]}"
        for key, id in running.select("key", "rollout_version_id").iter_rows()
    ]
    canaries = running.select("key", "pooled", "rollout_at", canary=pl.Series(addresses, dtype=pl.String))
    arms = _arms(canaries, rows, labelled, failed)
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


def _arms(
    canaries: pl.DataFrame, rows: pl.DataFrame, labelled: pl.DataFrame, failed: pl.DataFrame
) -> dict[tuple[str, bool], Arm]:
    """What the canary (true) and the champion (false) of each member did, where they did anything."""
    by, told = ("key", "mine"), labelled.drop_nulls(["label", "prediction"])
    scored = _since(canaries, told.select(*_READ, pl.col("label", "prediction").cast(pl.Float64))).group_by(by)
    lists = scored.agg("label", "prediction").iter_columns()
    values = {(key, mine): (y.to_numpy(), p.to_numpy()) for key, mine, y, p in zip(*lists, strict=True)}
    counts, faults = (
        {(key, mine): count for key, mine, count in _since(canaries, each.select(_READ)).group_by(by).len().iter_rows()}
        for each in (rows, failed)
    )
    return {
        each: Arm(*values.get(each, (_NOTHING, _NOTHING)), counts.get(each, 0), faults.get(each, 0))
        for each in counts.keys() | faults.keys()
    }


def _since(canaries: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """The rows of each canary's member since it started, with its `key` and whether the canary had them (`mine`).

    The pooled model's rows are those of any of its versions, whosever they are.
    """
    of_members = rows.join(canaries.filter(~pl.col("pooled")), left_on="member", right_on="key", how="inner")
    prefix = pl.col("canary").str.replace(r"[0-9]+$", "")
    of_pooled = rows.join(canaries.filter("pooled"), how="cross").filter(pl.col("version").str.starts_with(prefix))
    found = pl.concat([of_members.with_columns(key="member"), of_pooled.select(*of_members.columns, "key")])
    return found.filter(pl.col("at") >= pl.col("rollout_at")).with_columns(mine=pl.col("version") == pl.col("canary"))


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
