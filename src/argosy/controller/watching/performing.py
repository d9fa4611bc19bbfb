"""Live performance: scores of the rows whose labels have arrived, against the limits of the fleet's monitors."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import polars as pl

from argosy.controller import signal
from argosy.controller.watching.baseline import Baseline
from argosy.monitoring.alert import SIGNALS
from argosy.monitoring.performance import performance
from argosy.spec import duration
from argosy.spec.fleet import Fleet
from argosy.spec.metric import greater_is_better
from argosy.spec.monitor import Performance

POOLED = "*"


def measure(
    fleet: Fleet, rows: pl.DataFrame, baselines: Mapping[str, Baseline], now: datetime
) -> tuple[dict[str, dict[str, Any]], pl.DataFrame]:
    """Signals per member (score, its rows, whether a limit is broken), and signals for alerts.

    `rows` are answered rows with `label`; the pooled model's row `*` speaks of all of them. A limit binds only where
    the whole interval of the score lies beyond it, so that few rows raise nothing.
    """
    found: dict[str, dict[str, Any]] = {}
    alerts = [pl.DataFrame(schema=SIGNALS)]
    monitors = [m for m in fleet.monitors if isinstance(m, Performance)]
    metrics = dict.fromkeys([fleet.search.metric, *(m.metric for m in monitors)])
    spans = {name: next((m.window for m in monitors if m.metric == name), "14d") for name in metrics}
    for name, span in spans.items():
        recent = rows.filter(pl.col("at") >= now - duration.parse(span))
        if recent.is_empty():
            continue
        table = pl.concat([
            performance(recent, [name]), performance(recent.with_columns(member=pl.lit(POOLED)), [name])
        ])  # fmt: skip
        if name == fleet.search.metric:
            for row in table.iter_rows(named=True):
                found.setdefault(row["member"], {}).update({signal.SCORE: row[name], signal.SCORE_ROWS: row["rows"]})
        for monitor in monitors:
            if monitor.metric == name:
                alerts.append(_limits(monitor, table, baselines, found))
    return found, pl.concat(alerts)


def _limits(
    monitor: Performance, table: pl.DataFrame, baselines: Mapping[str, Baseline], found: dict[str, dict[str, Any]]
) -> pl.DataFrame:
    name, better = monitor.metric, greater_is_better(monitor.metric)
    lines = []
    for row in table.filter(pl.col("rows") >= monitor.minimum_rows).iter_rows(named=True):
        base = baselines.get(row["member"])
        at_training = base.metrics.get(name) if base else None
        broken = False
        for limit, below in _bounds(monitor, at_training, better):
            edge = row[f"{name}_high"] if below else row[f"{name}_low"]
            edge = row[name] if edge is None else edge
            broken |= edge is not None and (edge < limit if below else edge > limit)
            lines.append(("performance", row["member"], name, edge, limit, below, None, 1.0))
        state = found.setdefault(row["member"], {})
        state[signal.DEGRADED] = float(broken or bool(state.get(signal.DEGRADED)))
    return pl.DataFrame(lines, schema=SIGNALS, orient="row")


def _bounds(monitor: Performance, at_training: float | None, better: bool) -> list[tuple[float, bool]]:
    """(limit, whether values below it are bad)."""
    bounds = []
    if monitor.minimum is not None:
        bounds.append((monitor.minimum, True))
    if monitor.maximum is not None:
        bounds.append((monitor.maximum, False))
    if monitor.drop is not None and at_training is not None:
        bounds.append((at_training - monitor.drop, True) if better else (at_training + monitor.drop, False))
    return bounds
