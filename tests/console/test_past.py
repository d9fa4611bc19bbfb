"""What stands on a member's time axis."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from argosy.console import past
from argosy.spec import document
from argosy.spec.fleet import Fleet
from argosy.store import Store, alerts, declarations
from tests.console import build

FLEET, KEY = "late-arrival", "EWR/UA"


def marks(store: Store, name: str) -> list[tuple[int, str]]:
    """The alert's marks on the axis of KEY: days before NOW, and words."""
    with store.read() as conn:
        row = declarations.get(conn, "fleet", FLEET)
        assert row is not None
        fleet = document.recorded(row.body)
        assert isinstance(fleet, Fleet)
        found = past.happenings(conn, fleet, KEY, 1, [], [])
    return [((build.NOW - each.at).days, each.kind) for each in found if each.words.startswith(name)]


def test_an_alert_stands_where_it_came_to_name_the_member(tmp_path: Path) -> None:
    history = [
        (40, alerts.RAISED, ["EWR/AA"]),
        (30, alerts.CHANGED, ["EWR/AA", KEY]),
        (28, alerts.CHANGED, ["EWR/DL", KEY]),
        (20, alerts.CHANGED, ["EWR/DL"]),
        (12, alerts.CHANGED, [KEY]),
        (11, alerts.RESOLVED, [KEY]),
        (4, alerts.RAISED, [KEY]),
    ]
    with build.home(tmp_path) as store:
        with store.write() as tx:
            alerts.add(tx, [
                alerts.NewAlert(fleet=FLEET, name="drift/odd", state=state, at=build.NOW - timedelta(days=days),
                                message="m", body={"members": members})
                for days, state, members in history
            ])  # fmt: skip
        assert marks(store, "drift/odd") == [(30, "alert"), (12, "alert"), (4, "alert")]
