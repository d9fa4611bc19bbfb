"""What looks at answered rows have in common: each is a fact, and the last one tells whether another is due."""

from __future__ import annotations

from datetime import datetime
from typing import TypeVar

import msgspec
from sqlalchemy import Connection

from argosy.controller.house import House
from argosy.controller.observe import FleetState, Snapshot
from argosy.controller.plan import predictions
from argosy.store import windows

_BYTES = 10_000
"""About what one takes in memory."""


class Glance(msgspec.Struct, frozen=True):
    """One look: when, and at how many rows, the newest of which from `until`."""

    at: datetime
    rows: int
    until: datetime


G = TypeVar("G", bound=Glance)


def last(house: House, conn: Connection, fleet: str, kind: str, type: type[G]) -> G | None:
    """The last look of a kind at a fleet, if there was one."""
    facts = windows.between(conn, fleet, kind)
    if not facts:
        return None
    digest = facts[-1].digest
    return house.memory.kept.of(
        (kind, digest), lambda: msgspec.json.decode(house.store.blobs.get(digest), type=type), lambda _: _BYTES
    )


def fact(house: House, snapshot: Snapshot, state: FleetState, kind: str, made: Glance) -> windows.NewWindow:
    """A look of a kind, ready to become a fact."""
    fleet = state.fleet.name
    return windows.NewWindow(
        fleet=fleet, start=made.at, stop=made.at, kind=kind, digest=house.store.blobs.put(msgspec.json.encode(made)),
        rows=made.rows, at=made.at, dataset_version=snapshot.versions[predictions(fleet)].number,
    )  # fmt: skip
