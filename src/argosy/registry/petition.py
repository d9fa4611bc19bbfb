"""Petitions: a version whose promotion somebody asks for becomes champion if every gate lets it, and not otherwise."""

from __future__ import annotations

import shlex
from datetime import datetime

from sqlalchemy import Connection

from argosy.errors import ConflictError
from argosy.registry import rollout
from argosy.registry.address import Address
from argosy.registry.evidence import evidence
from argosy.registry.gate import Ruling, judge, refusal, verdict
from argosy.spec import document
from argosy.spec.fleet import Fleet
from argosy.spec.gate import Gate
from argosy.store import aliases, approvals, declarations, events, members, verdicts
from argosy.store.versions import Version


def promote(tx: Connection, address: Address, version: Version, actor: str, reason: str, now: datetime) -> None:
    """Make a version the champion of its member, as the gates of its fleet allow; one that is it already stays.

    The verdicts, the promotion and its event are facts of this transaction. Raises ConflictError, naming it, where a
    gate refuses the version or could not hold it against the champion of now, a person has refused it or has not
    answered yet, or the fleet is not declared.
    """
    state = members.states(tx, [version.member_id])[version.member_id]
    if state.target == aliases.OWN and state.champion_id == version.id and state.challenger_id is None:
        return
    rulings = _rulings(tx, address, version, state)
    heard = [
        verdicts.NewVerdict(
            version_id=version.id, gate=each.gate, passed=each.passed, at=now, message=each.message,
            evidence=each.evidence,
        )
        for each in rulings
    ]  # fmt: skip
    verdicts.add(tx, heard)
    rollout.promote(tx, address.fleet, [version], now, actor, reason)
    event = events.NewEvent(
        at=now, kind="promoted", subject=address.member, actor=actor, message=f"version {version.number}: {reason}",
        body={"version": version.id},
    )  # fmt: skip
    events.add(tx, [event])


def _rulings(tx: Connection, address: Address, version: Version, state: members.State) -> list[Ruling]:
    """What the gates of now say, all of which let the version through. Raises ConflictError.

    A gate that holds a version against the champion held it against that of its training: where another came since,
    nothing is known of the two.
    """
    wanted = declarations.get(tx, "fleet", address.fleet)
    fleet = document.recorded(wanted.body) if wanted is not None else None
    this = f"{address.member}@{version.number}"
    if not isinstance(fleet, Fleet):
        raise ConflictError(
            f"{this} was not promoted: fleet {address.fleet} is not declared, so that no gate speaks for it",
            next=f"argosy apply, or argosy promote {shlex.quote(this)}",
        )
    compared = any(isinstance(each, Gate) and each.beats == aliases.CHAMPION for each in fleet.gates)
    since = state.champion_since if state.target == aliases.OWN else None
    if compared and since is not None and since > version.at:
        raise ConflictError(
            f"{this} was not promoted: it was never held against the champion, version {state.champion_number}, "
            "which came after it was trained",
            next=f"argosy train {shlex.quote(address.fleet)}, or argosy promote {shlex.quote(this)}",
        )
    granted = approvals.answers(tx, fleet.approval, [version.id]) if fleet.approval else {}
    by = {id: answer.by for id, answer in approvals.of(tx, granted).items()}
    rulings = judge(fleet.gates, evidence(version), granted.get(version.id), by.get(version.id, ""))
    passed = verdict(rulings)
    if passed is None:
        waits = next(each for each in rulings if each.passed is None)
        raise ConflictError(
            f"{this} was not promoted: it {waits.message}",
            next=f"argosy approve {shlex.quote(this)}, once the controller has asked for it",
        )
    if not passed:
        failed = refusal(rulings)
        raise ConflictError(
            f"{this} was not promoted: it did not pass the gate {failed.gate}: {failed.message}",
            next=f"argosy why {shlex.quote(address.member)}",
        )
    return rulings
