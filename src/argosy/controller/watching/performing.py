"""Live performance: scores of the rows whose labels have arrived, against the limits of the fleet's monitors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import polars as pl

from argosy.controller import signal
from argosy.controller.watching import asked
from argosy.controller.watching.baseline import Baseline
from argosy.data.dtype import instant
from argosy.monitoring.alert import SIGNALS, score_signals
from argosy.monitoring.performance import performance
from argosy.spec import duration
from argosy.spec.fleet import POOLED, Fleet
from argosy.spec.metric import greater_is_better
from argosy.spec.monitor import Performance


def measure(
    fleet: Fleet, rows: pl.DataFrame, baselines: Mapping[str, Baseline], now: datetime
) -> tuple[dict[str, dict[str, Any]], pl.DataFrame]:
    """Signals per member (score, its rows, whether a limit is broken), and signals for alerts.

    `rows` are answered rows with `label`; the pooled model's row `*` speaks of all of them. A member counts as degraded
    only where the whole interval of the score lies beyond a limit, so that few rows raise nothing.
    """
    found: dict[str, dict[str, Any]] = {}
    alerts = [pl.DataFrame(schema=SIGNALS)]
    monitors = asked.monitors(fleet, Performance)
    told = rows.drop_nulls("label")
    for name, span in asked.spans(fleet).items():
        recent = told.filter(pl.col("at") >= instant(now - duration.parse(span)))
        if recent.is_empty():
            continue
        table = performance(recent, [name], together=POOLED)
        if name == fleet.search.metric:
            for member, score, count in table.select("member", name, "rows").iter_rows():
                found.setdefault(member, {}).update({signal.SCORE: score, signal.SCORE_ROWS: count})
        for monitor in monitors:
            if monitor.metric == name:
                alerts += _limits(monitor, table.filter(pl.col("rows") >= monitor.minimum_rows), baselines, found)
    return found, pl.concat(alerts)


def _limits(
    monitor: Performance, table: pl.DataFrame, baselines: Mapping[str, Baseline], found: dict[str, dict[str, Any]]
) -> Iterator[pl.DataFrame]:
    """Signals for alerts of each limit; whether one is broken is put into `found`."""
    name = monitor.metric
    broken = table.select("member", broken=pl.lit(False))
    for limits, below in _bounds(monitor, table, baselines):
        edge = pl.coalesce(f"{name}_high" if below else f"{name}_low", name)
        beyond = (edge < limits if below else edge > limits).fill_null(False)
        broken = broken.with_columns(pl.col("broken") | table.select(beyond).to_series())
        there = limits.is_not_null()
        yield score_signals(table.filter(there), name, limits.filter(there), below=below)
    for member, beyond in broken.iter_rows():
        state = found.setdefault(member, {})
        state[signal.DEGRADED] = float(beyond or bool(state.get(signal.DEGRADED)))


def _bounds(
    monitor: Performance, table: pl.DataFrame, baselines: Mapping[str, Baseline]
) -> Iterator[tuple[pl.Series, bool]]:
    """For each limit its value per row of the table (null: none), and whether scores below it are bad."""
    if monitor.minimum is not None:
        yield pl.repeat(monitor.minimum, table.height, dtype=pl.Float64, eager=True), True
    if monitor.maximum is not None:
        yield pl.repeat(monitor.maximum, table.height, dtype=pl.Float64, eager=True), False
    if monitor.drop is not None:
        better = greater_is_better(monitor.metric)
        known = [baselines[key].metrics.get(monitor.metric) if key in baselines else None for key in table["member"]]
        limits = pl.Series(known, dtype=pl.Float64) - (monitor.drop if better else -monitor.drop)
        yield limits, better
