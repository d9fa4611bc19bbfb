"""Alerts: those that are raised now, and how they came and went."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection

from argosy.console import links
from argosy.console.page import Page
from argosy.store import alerts, resources

SIZE = 50
"""Changes on a page."""
_GRAVE = {"critical": 0, "warning": 1, "info": 2}


class AlarmPage(msgspec.Struct, frozen=True):
    """What the alerts page shows: alerts that stand, worst first, and changes, the latest first.

    `cursor` is where the changes begin, None for the latest, `next` that of older ones.
    """

    fleet: str
    raised: tuple[alerts.Alert, ...]
    past: tuple[dict[str, Any], ...]
    cursor: str | None
    next: str | None


def page(conn: Connection, now: datetime, *, fleet: str = "", cursor: str | None = None) -> Page:
    """The alerts, of one fleet if given."""
    data = read(conn, fleet, cursor)
    command = "argosy get alerts" + (f" --where fleet:{fleet}" if fleet else "")
    live = "" if cursor else links.with_query("/alerts/live", fleet=fleet)
    return Page("Alerts", "alerts.html", data, now, here="alerts", command=command, live=live)


def read(conn: Connection, fleet: str = "", cursor: str | None = None) -> AlarmPage:
    """The snapshot of the alerts page."""
    where = f"-state:{alerts.CHANGED}" + (f' fleet:"{fleet}"' if fleet else "")
    past = resources.page(conn, "alerts", where, limit=SIZE, cursor=cursor)
    return AlarmPage(fleet, tuple(ranked(conn, fleet)), tuple(past.items), cursor, past.next)


def ranked(conn: Connection, fleet: str = "") -> list[alerts.Alert]:
    """The alerts that are raised, as they are now, each `at` since when; the gravest first, by effect among equals."""
    raised = [_since(alert) for alert in alerts.raised(conn, fleet or None)]
    return sorted(raised, key=lambda a: (_GRAVE.get(a.body.get("severity", ""), 3), -float(a.body.get("effect", 0))))


def _since(alert: alerts.Alert) -> alerts.Alert:
    since = alert.body.get("since")
    return msgspec.structs.replace(alert, at=msgspec.convert(since, datetime)) if since else alert
