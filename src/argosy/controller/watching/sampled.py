"""Looks at skew: when the last was and what it found, as facts, and whether another is due."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import polars as pl
from sqlalchemy import Connection

from argosy.controller.house import House
from argosy.controller.observe import FleetState, Snapshot
from argosy.controller.watching import glance, skewed
from argosy.controller.watching.reference import Frozen
from argosy.data.dtype import instant
from argosy.monitoring.quality import SKEW
from argosy.spec import duration
from argosy.spec.fleet import POOLED
from argosy.spec.monitor import Skew
from argosy.store import windows

KIND = "skew"
_HOUR = timedelta(hours=1)


class Look(glance.Glance, frozen=True):
    """One look: under which revision, and what it found."""

    revision: int
    found: dict[str, list[Any]]

    @property
    def table(self) -> pl.DataFrame:
        """The `skew` table."""
        return pl.DataFrame(self.found, schema=SKEW)

    def outdated(self, told: pl.DataFrame, now: datetime) -> bool:
        """Whether as many rows are new as this look had, an hour after it at the earliest."""
        return now - self.at >= _HOUR and told.filter(pl.col("at") > instant(self.until)).height >= self.rows


def look(
    house: House, conn: Connection, snapshot: Snapshot, state: FleetState, monitors: Sequence[Skew], frozen: Frozen,
    rows: pl.DataFrame, now: datetime,
) -> tuple[pl.DataFrame, list[windows.NewWindow]]:  # fmt: skip
    """The last look's table (no rows before the first), and the facts of a new look where one was due.

    `rows` are answered rows with `label`. Only those of members that were answered under the present declaration count.
    """
    last = glance.last(house, conn, state.fleet.name, KIND, Look)
    if last is not None and last.revision != state.revision:
        last = None
    low = max(frozen.since, min(now - duration.parse(each.window) for each in monitors))
    told = rows.filter(pl.col("at") >= instant(low), pl.col("member") != POOLED).drop_nulls("label")
    until, facts = told["at"].max(), list[windows.NewWindow]()
    if isinstance(until, datetime) and (last is None or last.outdated(told, now)):
        count = max(each.rows for each in monitors)
        table = skewed.measure(conn, house.store, snapshot, state.fleet, frozen.bins, told, count)
        found = table.to_dict(as_series=False)
        last = Look(now, min(told.height, count), until, state.revision, found)
        facts.append(glance.fact(house, snapshot, state, KIND, last))
    return last.table if last is not None else pl.DataFrame(schema=SKEW), facts
