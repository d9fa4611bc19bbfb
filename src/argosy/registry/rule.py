"""Rules for callers, made and ended by hand: who answers the rows that one caller asks for."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from sqlalchemy import Connection

from argosy.errors import ConflictError, UnknownError, UsageError
from argosy.registry.address import Address
from argosy.spec import document
from argosy.spec.fleet import POOLED, Fleet
from argosy.store import declarations, events, members, rules, tokens, versions
from argosy.store.store import Store

Target = Literal["champion", "challenger", "pooled"]
_WORDS = {rules.CHAMPION: "champion", rules.CHALLENGER: "version under trial", rules.POOLED: "pooled model"}


def lay(
    store: Store, address: Address, caller: str, to: Target | None, actor: str, reason: str, now: datetime, *,
    today: datetime,
) -> str:  # fmt: skip
    """Have the rows of one caller, of a member or of a whole fleet, answered by one version or as `to` says.

    The version is that of the address: one of the member, or of the pooled model for the whole fleet. Returns what was
    done, in words. `today` is the time by which tokens hold. Raises UnknownError for a fleet, member, version or caller
    that is not there, UsageError where not exactly one of a version and `to` is named, ConflictError where the fleet
    has no pooled model.
    """
    if (to is None) == (address.number is None):
        raise UsageError(
            f"{address}: {'both a version and --to are' if to else 'neither a version nor --to is'} named",
            next=f"argosy route {address.member}@NUMBER, or --to champion, challenger or pooled",
        )
    with store.write() as tx:
        fleet, member_id = _fleet(tx, address), _member(tx, address)
        _check_caller(tx, caller, today)
        if to == rules.POOLED and not fleet.pooled:
            raise ConflictError(f"fleet {fleet.name!r} has no pooled model", next="declare it with pooled=True")
        version = versions.find(tx, address.fleet, address.key, address.number) if address.number else None
        if version is None and address.number:
            raise UnknownError(
                f"there is no version {address}", next=f"argosy get versions --where fleet:{address.fleet}"
            )
        target, id = (rules.VERSION, version.id) if version is not None else (to or rules.NONE, None)
        _add(tx, address, member_id, caller, target, id, actor, reason, now)
        who = f"version {version.number} of {address.member}" if version is not None else f"the {_WORDS[target]}"
        said = f"{who} answers {caller}'s rows of {_place(address)} now"
        _event(tx, address, caller, actor, said, reason, now)
    return said


def end(store: Store, address: Address, caller: str, actor: str, reason: str, now: datetime) -> str:
    """End the rule for a caller's rows of a member, or of a whole fleet; returns what was done, in words.

    Raises UnknownError for a fleet or member that is not there, ConflictError where there is no rule.
    """
    with store.write() as tx:
        _fleet(tx, address)
        member_id = _member(tx, address)
        ruled = {(each.caller, each.member_id) for each in rules.current(tx, address.fleet)}
        if (caller, member_id) not in ruled:
            raise ConflictError(
                f"there is no rule for {caller[:80]!r} and {_place(address)}",
                next=f"argosy get rules --where fleet:{address.fleet}",
            )
        _add(tx, address, member_id, caller, rules.NONE, None, actor, reason, now)
        said = f"{caller}'s rows of {_place(address)} are answered as those of others now"
        _event(tx, address, caller, actor, said, reason, now)
    return said


def _fleet(tx: Connection, address: Address) -> Fleet:
    found = declarations.get(tx, "fleet", address.fleet)
    declared = document.recorded(found.body) if found is not None else None
    if not isinstance(declared, Fleet):
        raise UnknownError(f"there is no fleet {address.fleet[:80]!r}", next="argosy get fleets")
    return declared


def _member(tx: Connection, address: Address) -> int | None:
    """The member that a rule is for; None for the whole fleet, which the pooled model's versions answer, too."""
    if address.key == POOLED:
        if address.number is None:
            raise UsageError(f"{address} is no member that anybody asks for", next=f"name the fleet: {address.fleet}")
        return None
    found = members.state(tx, address.fleet, address.key)
    if found is None and (address.key or address.number):
        raise UnknownError(
            f"there is no member {address.member}", next=f"argosy get members --where fleet:{address.fleet}"
        )
    return found.member_id if found is not None else None


def _check_caller(tx: Connection, caller: str, today: datetime) -> None:
    known = [each for each in tokens.each(tx) if each.state(today) == tokens.IN_FORCE]
    able = {each.name for each in known if each.role != tokens.VIEWER}
    if caller not in able:
        some = ", ".join(sorted(able)[:8]) or "none"
        raise UnknownError(
            f"no token in force that may ask for predictions is called {caller[:80]!r} (such are: {some})",
            next=f"argosy token create {caller[:80]} --role caller",
        )


def _place(address: Address) -> str:
    return address.fleet if address.key == POOLED else address.member


def _add(
    tx: Connection, address: Address, member_id: int | None, caller: str, target: str, version_id: int | None,
    actor: str, reason: str, now: datetime,
) -> None:  # fmt: skip
    new = rules.NewRule(
        fleet=address.fleet, member_id=member_id, caller=caller, target=target, version_id=version_id, at=now,
        actor=actor, reason=reason,
    )  # fmt: skip
    rules.add(tx, [new])


def _event(
    tx: Connection, address: Address, caller: str, actor: str, said: str, reason: str, now: datetime
) -> None:  # fmt: skip
    message = f"{said}: {reason}" if reason else said
    event = events.NewEvent(
        at=now, kind="routed", subject=_place(address), actor=actor, message=message, body={"caller": caller}
    )
    events.add(tx, [event])
