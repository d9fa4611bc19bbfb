"""What a person does by hand: answers an approval, promotes a version, rolls a member back. Each is a fact."""

from __future__ import annotations

import shlex
from datetime import datetime

from sqlalchemy import Connection

from argosy.errors import ConflictError, UnknownError
from argosy.registry import rollout
from argosy.registry.address import Address
from argosy.spec import document
from argosy.spec.fleet import Fleet
from argosy.store import aliases, approvals, declarations, events, members, verdicts, versions
from argosy.store.filters import Term
from argosy.store.store import Store


def approve(store: Store, address: Address, granted: bool, actor: str, reason: str, now: datetime) -> str:
    """Grant or refuse the approval that a version's gate waits for; returns what was done, in words.

    Without a number the address means the member's newest version. Raises UnknownError for a member or version that is
    not there, and ConflictError where no gate of it waits for a person.
    """
    with store.write() as tx:
        member = _member(tx, address)
        version = _version(tx, address)
        if version.id not in {each.version_id for each in _waiting(tx, address.fleet)}:
            raise _settled(address, member, version)
        approvals.add(
            tx,
            [approvals.NewApproval(version_id=version.id, granted=granted, at=now, actor=actor, reason=reason)],
        )
        said = f"{address.member}@{version.number} was {'approved' if granted else 'refused'}"
        _event(tx, "approved" if granted else "refused", address, version.id, actor, _with(said, reason), now)
    return said


def promote(store: Store, address: Address, actor: str, reason: str, now: datetime) -> str:
    """Make a version the champion of its member, whatever its gates said; returns what was done, in words.

    Without a number the address means the member's latest version. Raises UnknownError if there is none, and
    ConflictError if it answers already.
    """
    with store.write() as tx:
        member = _member(tx, address)
        version = _version(tx, address)
        if member.target == aliases.OWN and member.champion_id == version.id and member.challenger_id is None:
            raise ConflictError(f"{address.member}@{version.number} is the champion already", next="nothing to do")
        why = reason or f"promoted by {actor}"
        rollout.promote(tx, address.fleet, [version], now, actor, why)
        said = f"{address.member}@{version.number} answers now"
        _event(tx, "promoted", address, version.id, actor, _with(said, reason), now)
    return said


def roll_back(store: Store, address: Address, actor: str, reason: str, now: datetime) -> str:
    """Undo a member's last change: end its rollout, or give the place back; returns what was done, in words.

    Raises UnknownError for a member that is not there, ConflictError if there is nothing to go back to.
    """
    with store.write() as tx:
        member = _member(tx, address)
        why = reason or f"rolled back by {actor}"
        said = f"{address.member}: {rollout.roll_back(tx, address.fleet, member.member_id, now, actor, why)}"
        _event(tx, "rolled_back", address, member.champion_id, actor, _with(said, reason), now)
    return said


def _member(tx: Connection, address: Address) -> members.State:
    found = members.state(tx, address.fleet, address.key)
    if found is None:
        raise UnknownError(
            f"there is no member {address.member}", next=f"argosy get members --where fleet:{address.fleet}"
        )
    return found


def _version(tx: Connection, address: Address) -> versions.Version:
    found = versions.find(tx, address.fleet, address.key, address.number)
    if found is None:
        raise UnknownError(
            f"there is no version {address}" if address.number else f"{address} has no version yet",
            next=f"argosy get versions --where {shlex.quote(str(Term('address', ':', address.member, quoted=True)))}",
        )
    return found


def _waiting(tx: Connection, fleet: str) -> tuple[verdicts.Waiting, ...]:
    """What waits for a person as the fleet is declared now."""
    wanted = declarations.get(tx, "fleet", fleet)
    declared = document.recorded(wanted.body) if wanted is not None else None
    return verdicts.undecided(tx, fleet, declared.approval if isinstance(declared, Fleet) else None).waiting


def _settled(address: Address, member: members.State, version: versions.Version) -> ConflictError:
    """Why a version waits for nobody."""
    what = f"no gate of {address.member}@{version.number} waits for an approval"
    newest, this = shlex.quote(address.member), shlex.quote(f"{address.member}@{version.number}")
    if member.target == aliases.OWN and member.champion_id == version.id:
        return ConflictError(f"{what}: it answers already", next="nothing to do")
    if member.version_id != version.id:
        return ConflictError(
            f"{what}: version {member.version_number} came in its place",
            next=f"argosy approve {newest}, or argosy promote {this}",
        )
    return ConflictError(what, next=f"argosy why {newest}")


def _with(said: str, reason: str) -> str:
    return f"{said}: {reason}" if reason else said


def _event(
    tx: Connection, kind: str, address: Address, version: int | None, actor: str, message: str, now: datetime
) -> None:
    event = events.NewEvent(
        at=now, kind=kind, subject=address.member, actor=actor, message=message, body={"version": version}
    )
    events.add(tx, [event])
