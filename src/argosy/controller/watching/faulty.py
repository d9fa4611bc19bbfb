"""Bad values of a fleet's members: nulls, numbers beyond the range of training, categories never seen there."""

from __future__ import annotations

from typing import Any

import polars as pl

from argosy.controller import signal
from argosy.monitoring.alert import quality_signals
from argosy.monitoring.bins import Bins
from argosy.monitoring.quality import quality
from argosy.monitoring.window import Windows
from argosy.spec.monitor import Quality

_CHANCE = 0.01
_LEAST = 1e-6
"""What a limit of nothing counts as, so that the ratio to it stays a number."""


def measure(
    monitor: Quality, reference: Windows, current: Windows, bins: Bins, importance: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """One monitor over all members: (per member the check that is worst, signals for alerts).

    Worst is the largest rise over the reference that chance does not explain (p below 0.01, shared among the checks of
    a member), of features that the model leans on; where there is none it is 0. Members with fewer rows than the
    monitor's `minimum_rows` have none.
    """
    table = quality(reference, current, bins).filter(pl.col("rows") >= monitor.minimum_rows)
    weighed = table.join(importance, on=["member", "feature"], how="left", maintain_order="left")
    matters = pl.col("importance").is_null().all().over("member") | (pl.col("importance") > 0).fill_null(False)
    rose = matters & (pl.col("p_value") < _CHANCE / pl.len().over("member"))
    rise = pl.when(rose).then(pl.col("value") - pl.col("reference")).otherwise(0.0)
    ranked = weighed.with_columns(rise=rise, limit=pl.lit(monitor.limit)).sort("rise", descending=True)
    return ranked.unique("member", keep="first"), quality_signals(table, monitor.limit, importance)


def worst(tables: list[pl.DataFrame]) -> dict[str, dict[str, Any]]:
    """Per member, the check that is furthest beyond its limit: value of the signal, and the evidence."""
    ratio = pl.col("rise") / pl.col("limit").clip(lower_bound=_LEAST)
    table = pl.concat(tables).with_columns(ratio=ratio).sort("ratio", descending=True)
    return {
        row["member"]: {
            signal.QUALITY: row["ratio"],
            "body": {name: row[name] for name in ("feature", "check", "value", "reference", "limit", "rows")},
        }
        for row in table.unique("member", keep="first").iter_rows(named=True)
    }
