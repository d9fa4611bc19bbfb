"""Rows that the version which was to answer failed on; the pooled model may have stood in where it cannot be read."""

from __future__ import annotations

from datetime import datetime

import polars as pl

from argosy.controller.watching.answered import tried
from argosy.controller.watching.asked import DAY
from argosy.data.dtype import instant
from argosy.monitoring.alert import failure_signals

LIMIT = 0.01
"""Beyond this share of a day's rows, somebody must know."""


def measure(came: pl.DataFrame, now: datetime) -> pl.DataFrame:
    """Signals for alerts: of each member that was asked in the last day, the share of rows that its version failed on.

    `came` are rows as `answered.arrived` gives them, those of shadows left out; the day is that of their arrival. What
    a version under trial failed on is none of them: the champion answered in its place.
    """
    recent = tried(came.filter(pl.col("arrived") >= instant(now - DAY)))
    every = recent.filter(~(pl.col("failed") & pl.col("on_trial")))
    return failure_signals(every.group_by("member").agg(pl.len().alias("rows"), pl.col("failed").sum()), LIMIT)
