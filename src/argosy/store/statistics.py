"""Statistics of dataset versions, per column, as the data stage computed them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, select

from argosy.store import schema
from argosy.store.rows import Row, insert

_TABLE = schema.statistic


class NewStatistic(Row, frozen=True, kw_only=True):
    """`body` maps each column of version `number` to its statistics."""

    dataset: str
    number: int
    body: dict[str, Any]


def add(tx: Connection, statistic: NewStatistic) -> int:
    """Record the statistics of a version."""
    return insert(tx, _TABLE, [statistic])[0]


def get(conn: Connection, dataset: str, number: int) -> dict[str, Any] | None:
    """The statistics of a version, None if none were recorded."""
    c = _TABLE.c
    query = select(c.body).where(c.dataset == dataset, c.number == number).order_by(c.id.desc()).limit(1)
    return conn.execute(query).scalar_one_or_none()
