"""Alerts: raised, changed and resolved. The latest of a fleet, member and name counts; a pipeline's has no fleet."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, func, select

from argosy.store import schema
from argosy.store.rows import Row, columns, fetch, insert

_TABLE = schema.alert
RAISED, CHANGED, RESOLVED = "raised", "changed", "resolved"
NO_FLEET = ""


class NewAlert(Row, frozen=True, kw_only=True):
    """What became of one alert; `member_id` is None for an alert of the whole fleet, `cause` groups alerts.

    One that is raised and is about other members than before has changed. An alert of a pipeline is of `NO_FLEET`, and
    the pipeline is its cause.
    """

    fleet: str
    name: str
    state: str
    at: datetime
    message: str
    member_id: int | None = None
    cause: str = ""
    value: float | None = None
    limit_value: float | None = None
    body: dict[str, Any] = msgspec.field(default_factory=dict)


class Alert(NewAlert, frozen=True, kw_only=True):
    """A recorded change."""

    id: int


def add(tx: Connection, alerts: Sequence[NewAlert]) -> list[int]:
    """Record changes of alerts."""
    return insert(tx, _TABLE, alerts)


def raised(conn: Connection, fleet: str | None = None) -> list[Alert]:
    """Alerts that are raised and not resolved since, as they are now, the latest change first."""
    c = _TABLE.c
    last = select(func.max(c.id)).group_by(c.fleet, c.name, c.member_id)
    if fleet is not None:
        last = last.where(c.fleet == fleet)
    query = columns(_TABLE, Alert).where(c.id.in_(last), c.state != RESOLVED)
    return fetch(conn, query.order_by(c.id.desc()), Alert)
