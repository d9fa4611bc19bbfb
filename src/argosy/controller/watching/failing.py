"""Rows that nobody answered, because the version that was to answer failed on them."""

from __future__ import annotations

from datetime import datetime

import polars as pl
from sqlalchemy import Connection

from argosy.controller.watching import answered
from argosy.controller.watching.asked import DAY
from argosy.data.dtype import instant
from argosy.monitoring.alert import failure_signals
from argosy.store.store import Store

LIMIT = 0.01
"""Beyond this share of a day's rows, somebody must know."""


def measure(conn: Connection, store: Store, fleet: str, rows: pl.DataFrame, now: datetime) -> pl.DataFrame:
    """Signals for alerts: of each member that was asked in the last day, the share of rows left without an answer.

    `rows` are those that were answered. What a canary failed on is none of them: the champion answered in its place.
    """
    low = now - DAY
    failed = answered.failed(conn, store, fleet, low).filter(pl.col("route") != "canary")
    recent = rows.filter(pl.col("at") >= instant(low)).select("member", failed=pl.lit(0))
    every = pl.concat([recent, failed.select("member", failed=pl.lit(1))])
    return failure_signals(every.group_by("member").agg(pl.len().alias("rows"), pl.col("failed").sum()), LIMIT)
