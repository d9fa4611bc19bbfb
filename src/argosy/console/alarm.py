"""Alerts: those that are raised now, and how they came and went."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection

from argosy.console import links
from argosy.console.page import Page
from argosy.store import alerts, resources

_PAST = 100
_GRAVE = {"critical": 0, "warning": 1, "info": 2}


class AlarmPage(msgspec.Struct, frozen=True):
    """What the alerts page shows: alerts that stand, worst first, and the latest changes."""

    fleet: str
    raised: tuple[alerts.Alert, ...]
    past: tuple[dict[str, Any], ...]


def page(conn: Connection, now: datetime, *, fleet: str = "") -> Page:
    """The alerts, of one fleet if given."""
    data = read(conn, fleet)
    command = "argosy get alerts" + (f" --where fleet:{fleet}" if fleet else "")
    return Page(
        "Alerts", "alerts.html", data, now, here="alerts", command=command, live=links.with_query("/events/live")
    )


def read(conn: Connection, fleet: str = "") -> AlarmPage:
    """The snapshot of the alerts page."""
    where = f"-state:{alerts.CHANGED}" + (f' fleet:"{fleet}"' if fleet else "")
    past = resources.page(conn, "alerts", where, limit=_PAST)
    return AlarmPage(fleet, tuple(ranked(conn, fleet)), tuple(past.items))


def ranked(conn: Connection, fleet: str = "") -> list[alerts.Alert]:
    """The alerts that are raised, as they are now, each `at` since when; the gravest first, by effect among equals."""
    raised = [_since(alert) for alert in alerts.raised(conn, fleet or None)]
    return sorted(raised, key=lambda a: (_GRAVE.get(a.body.get("severity", ""), 3), -float(a.body.get("effect", 0))))


def _since(alert: alerts.Alert) -> alerts.Alert:
    since = alert.body.get("since")
    return msgspec.structs.replace(alert, at=msgspec.convert(since, datetime)) if since else alert
