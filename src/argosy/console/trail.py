"""Values of signals over time, for many members in one statement."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import polars as pl
from sqlalchemy import Connection, func, select

from argosy.store import leases, runs, schema
from argosy.store.rows import among
from argosy.store.signals import Signal
from argosy.store.tracking import tables as tracking

_SIGNAL = schema.signal.c


def recent(conn: Connection, name: str, member_ids: Iterable[int], last: int = 30) -> dict[int, list[float | None]]:
    """The last values of one signal of some members, oldest first."""
    rank = func.row_number().over(partition_by=_SIGNAL.member_id, order_by=_SIGNAL.id.desc()).label("rank")
    mine = (_SIGNAL.name == name) & among(_SIGNAL.member_id, member_ids)
    ranked = select(_SIGNAL.id, _SIGNAL.member_id, _SIGNAL.value, rank).where(mine).subquery().c
    query = select(ranked.member_id, ranked.value).where(ranked.rank <= last).order_by(ranked.id)
    found: defaultdict[int, list[float | None]] = defaultdict(list)
    for member, value in conn.execute(query):
        found[member].append(value)
    return dict(found)


def daily(values: Sequence[Signal], now: datetime, days: int = 120) -> list[tuple[datetime, float]]:
    """The value of a signal at the end of each of the last days: it is recorded when it changes, newest first here.

    Days before the first value are left out.
    """
    known = [(each.at, each.value or 0.0) for each in reversed(values)]
    if not known:
        return []
    frame = pl.DataFrame(known, schema={"at": pl.Datetime("us", "UTC"), "value": pl.Float64}, orient="row").sort("at")
    first = max(known[0][0], now - timedelta(days=days - 1))
    ends = pl.datetime_range(first, max(first, now), "1d", eager=True).alias("day").to_frame()
    return [
        (day, value) for day, value in ends.join_asof(frame, left_on="day", right_on="at").select("day", "value").rows()
    ]


def mark(conn: Connection) -> tuple[int, ...]:
    """Changes whenever a fact that a live page shows was recorded: cheap enough to ask every second."""
    tables = (schema.signal, schema.alias, schema.rollout, schema.execution, schema.version, schema.verdict,
              schema.approval, schema.member, schema.event, schema.alert)  # fmt: skip
    last = [select(func.coalesce(func.max(table.c.id), 0)).scalar_subquery() for table in tables]
    return tuple(conn.execute(select(*last)).one())


def logged(conn: Connection) -> tuple[object, ...]:
    """Changes whenever something was logged to a run of an experiment, or changed of one: cheap as `mark` is."""
    tables = (tracking.experiment, tracking.tracked, tracking.block, tracking.change)
    last = [select(func.coalesce(func.max(table.c.id), 0)).scalar_subquery() for table in tables]
    return tuple(conn.execute(select(*last)).one())


def progress(conn: Connection, now: datetime) -> tuple[object, ...]:
    """Changes whenever a fact about runs was recorded, and with the second while one is at work: cheap as `mark` is."""
    tables = (schema.run, schema.ending, schema.call, schema.pause, schema.declaration)
    last = [select(func.coalesce(func.max(table.c.id), 0)).scalar_subquery() for table in tables]
    live = tuple(lease.name for lease in leases.live(conn, now, runs.LEASE))
    return (*conn.execute(select(*last)).one(), live, int(now.timestamp()) if live else 0)
