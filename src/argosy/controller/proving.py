"""Rows to prove versions on: the training set of a fleet's members, built where it is not on this machine."""

from __future__ import annotations

from datetime import datetime

from argosy.controller import survey, tenure
from argosy.controller.act import train as act
from argosy.controller.action import Group, Train
from argosy.controller.house import House
from argosy.controller.observe import Snapshot
from argosy.errors import ConflictError, UnknownError
from argosy.registry.address import Address
from argosy.spec.fleet import POOLED
from argosy.store import members


def build(house: House, address: Address, now: datetime) -> None:
    """Build the training set of a member; of all members for a pooled model, and for a fleet with a key by its name.

    It is as of `now`, under the declarations that hold now, and of none where there are no labelled rows. Raises
    UnknownError for a fleet that is not declared, and ConflictError where another process is at work on it.
    """
    snapshot = survey.observe(house, now)
    action = training(snapshot, address, "package")
    state = snapshot.fleets[address.fleet]
    if state.fleet.by and not address.key:
        with house.store.read() as conn:
            keys = tuple(key for key in members.table(conn, address.fleet)["key"] if key != POOLED)
        action = Train(address.fleet, (Group(action.why, keys),), state.fleet.pooled, action.why, action.revision)
    with tenure.hold(house.store, action.subject) as lease:
        if lease is None:
            raise busy(address.fleet)
        house.take(lease)
        act.training_set(house, snapshot, state, action, now)


def training(snapshot: Snapshot, address: Address, why: str) -> Train:
    """The training whose rows are those of a member, or of all for the pooled model. Raises UnknownError."""
    if address.fleet not in snapshot.fleets:
        known = ", ".join(sorted(snapshot.fleets)) or "none is declared"
        raise UnknownError(f"there is no fleet {address.fleet!r}", next=f"the fleets are: {known}")
    pooled = address.key == POOLED
    groups = () if pooled else (Group(why, (address.key,)),)
    return Train(address.fleet, groups, pooled, why, snapshot.fleets[address.fleet].revision)


def busy(fleet: str) -> ConflictError:
    """What to tell where another process holds a fleet."""
    return ConflictError(f"another process is at work on {fleet}", next="argosy get leases, or try again")
