"""Freshness between ingests: that a dataset's newest event became too old, and that it is young enough again."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from argosy.controller.house import House
from argosy.controller.observe import Snapshot
from argosy.data.state import Staleness
from argosy.spec.dataset import Dataset
from argosy.store import events

STALE, FRESH = "stale", "fresh"
"""Kinds of events, with the dataset as their subject; the latest of the two counts."""


def tell(house: House, snapshot: Snapshot, now: datetime) -> None:
    """Record an event for each dataset that is stale and was not, or was and is not: one a change, however often asked.

    Stale rows are used as they are, so nothing else follows: see `whole` of an ingest, which warns.
    """
    watched = [each.name for each in snapshot.of(Dataset) if each.contract and each.contract.freshness]
    if not watched:
        return
    with house.store.read() as conn:
        if not _news(conn, watched, snapshot):
            return
    with house.store.write() as tx:
        new = [
            events.NewEvent(
                at=now, kind=STALE if seen else FRESH, subject=name, actor=house.actor,
                message=f"{name}: {seen.says}" if seen else f"{name}: its newest event is young enough again",
            )
            for name, seen in _news(tx, watched, snapshot).items()
        ]  # fmt: skip
        events.add(tx, new)


def _news(conn: Connection, watched: list[str], snapshot: Snapshot) -> dict[str, Staleness | None]:
    """Datasets of which something else was told last, with how stale they are now."""
    stale, fresh = events.latest(conn, STALE, watched), events.latest(conn, FRESH, watched)
    told = {name for name, event in stale.items() if name not in fresh or fresh[name].id < event.id}
    return {name: snapshot.stale.get(name) for name in watched if (name in snapshot.stale) is not (name in told)}
