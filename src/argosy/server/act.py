"""What a person does by hand, over HTTP: the same functions as on the command line."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec

from argosy.controller import signal
from argosy.errors import InputError, UnknownError
from argosy.registry import manual
from argosy.registry.address import Address, parse
from argosy.store import events, members, signals
from argosy.store.store import Store


class Order(msgspec.Struct, frozen=True):
    """`verb` is done to the member or version at `address`; `reason` is kept with the fact."""

    verb: Literal["approve", "refuse", "promote", "rollback", "retrain"]
    address: Annotated[str, msgspec.Meta(max_length=400)]
    reason: Annotated[str, msgspec.Meta(max_length=400)] = ""


def carry_out(store: Store, order: Order, actor: str, now: datetime) -> str:
    """Do it; returns what was done, in words. Raises `InputError`, `UnknownError` or `ConflictError`."""
    address, reason = parse(order.address), order.reason.strip()
    match order.verb:
        case "approve" | "refuse":
            return manual.approve(store, address, order.verb == "approve", actor, reason, now)
        case "promote":
            return manual.promote(store, address, actor, reason, now)
        case "rollback":
            return manual.roll_back(store, address, actor, reason, now)
        case "retrain":
            return retrain(store, address, actor, reason, now)


def retrain(store: Store, address: Address, actor: str, reason: str, now: datetime) -> str:
    """Make a member due: the controller trains it at its next pass. A member without labelled rows stays as it is."""
    if address.number is not None:
        raise InputError(f"{address} is a version; versions never change", next=f"name the member: {address.member}")
    with store.write() as tx:
        found = members.state(tx, address.fleet, address.key)
        if found is None:
            raise UnknownError(
                f"there is no member {address.member}", next=f"argosy get members --where fleet:{address.fleet}"
            )
        asked = signals.NewSignal(
            fleet=address.fleet, member_id=found.member_id, name=signal.ASKED, value=now.timestamp(), at=now
        )
        signals.record(tx, [asked])
        said = f"{address.member} is to be trained at the next pass" + (f": {reason}" if reason else "")
        events.add(tx, [events.NewEvent(at=now, kind="retrain", subject=address.member, actor=actor, message=said)])
    return said
