"""Drift of a fleet's members against what they were trained on, as its monitors ask."""

from __future__ import annotations

import polars as pl

from argosy.controller import signal
from argosy.monitoring.alert import drift_signals
from argosy.monitoring.bins import Bins
from argosy.monitoring.drift import drift, prediction_drift
from argosy.monitoring.window import Windows
from argosy.spec.monitor import Drift

STATISTICS = {
    "psi": "psi_excess",
    "js": "jensen_shannon",
    "ks": "kolmogorov_smirnov",
    "wasserstein": "wasserstein",
    "chi2": "cramers_v",
}
"""A monitor's name of a statistic -> its column; PSI and Cramer's V count above what so many rows have by chance."""


def measure(
    monitor: Drift, reference: Windows, current: Windows, bins: Bins, importance: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """One monitor over all members: (per member its distance, signals for alerts).

    The distance of a member is that of its prediction, or the mean over its features, each weighed by how much the
    model leans on it (all alike for a member without importances): a season that the model does not look at moves
    nothing. Members with fewer rows than the monitor's `minimum_rows` have none.
    """
    column = STATISTICS[monitor.statistic]
    table = (prediction_drift if monitor.on == "prediction" else drift)(reference, current, bins)
    table = table.filter(pl.col("rows") >= monitor.minimum_rows, pl.col("reference_rows") > 0)
    if monitor.on == "prediction":
        weighed = table.with_columns(importance=pl.lit(1.0), weight=pl.lit(1.0))
    else:
        known = pl.col("importance").is_not_null().any().over("member")
        weighed = table.join(importance, on=["member", "feature"], how="left", maintain_order="left")
        weighed = weighed.with_columns(weight=pl.when(known).then(pl.col("importance").fill_null(0.0)).otherwise(1.0))
    part, there = pl.col("weight") * pl.col(column), pl.col(column).is_not_null()
    distances = weighed.group_by("member", maintain_order=True).agg(
        value=(part.sum() / pl.col("weight").filter(there).sum()).fill_nan(None),
        cause=pl.col("feature").get(part.arg_max().fill_null(0)),
    )
    distances = distances.with_columns(limit=pl.lit(monitor.limit), on=pl.lit(monitor.on))
    return distances, drift_signals(weighed, monitor.limit, column)


def worst(distances: list[pl.DataFrame]) -> dict[str, dict[str, object]]:
    """Per member, the monitor that is furthest beyond its limit: values of the signals, and the evidence."""
    if not distances:
        return {}
    table = pl.concat(distances).drop_nulls("value").with_columns(ratio=pl.col("value") / pl.col("limit"))
    table = table.sort("ratio", descending=True).unique("member", keep="first", maintain_order=True)
    return {
        row["member"]: {
            signal.DRIFT: row["ratio"],
            signal.DRIFT_VALUE: row["value"],
            "body": {"on": row["on"], "cause": row["cause"], "value": row["value"], "limit": row["limit"]},
        }
        for row in table.iter_rows(named=True)
    }
