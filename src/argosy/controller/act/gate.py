"""Carry out a `Gate`: rulings on new versions, and the start of the rollouts of those that pass."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection

from argosy.controller import signal
from argosy.controller.action import Gate
from argosy.controller.house import House
from argosy.controller.observe import Snapshot
from argosy.registry.evidence import choice, evidence, pooled_instead
from argosy.registry.gate import Ruling, judge, refusal, verdict
from argosy.registry.rollout import Chosen, start
from argosy.spec.fleet import Fleet
from argosy.spec.quantity import plural
from argosy.store import approvals, events, members, signals, verdicts, versions


def run(house: House, snapshot: Snapshot, action: Gate, now: datetime) -> str:
    """Ask every gate about every version, in one transaction with what follows from the answers."""
    fleet = snapshot.fleets[action.fleet].fleet
    with house.write(action.subject) as tx:
        found = [v for _, v in sorted(versions.get(tx, action.versions).items())]
        granted = approvals.answers(tx, fleet.approval, [v.id for v in found]) if fleet.approval else {}
        by = {id: answer.by for id, answer in approvals.of(tx, granted).items()}
        rulings = {v.id: judge(fleet.gates, evidence(v), granted.get(v.id), by.get(v.id, "")) for v in found}
        gone = verdicts.undecided(tx, fleet.name, fleet.approval).withdrawn
        heard = [_verdict(v.id, ruling, now) for v in found for ruling in rulings[v.id]]
        heard += [_withdrawn(id, gate, now) for id, gate in gone if id in rulings]
        verdicts.add(tx, heard)
        said = _roll_out(tx, house, fleet, found, rulings, now)
        keys = members.get(tx, [version.member_id for version in found])
        signals.record(tx, _judged(tx, fleet, found, now))
        events.add(
            tx,
            [
                events.NewEvent(
                    at=now,
                    kind="gated",
                    subject=f"{fleet.name}/{keys[v.member_id].key}" if keys[v.member_id].key else fleet.name,
                    actor=house.actor,
                    message=f"version {v.number}: {said[v.id]}",
                    body={"version": v.id, "passed": verdict(rulings[v.id])},
                )
                for v in found
            ],
        )
        waits = [w for w in verdicts.undecided(tx, fleet.name, fleet.approval).waiting if w.version_id in rulings]
    passed = sum(verdict(rulings[v.id]) is True for v in found)
    told = f"{fleet.name}: {passed} of {plural(len(found), 'version')} passed the gates"
    return f"{told}; {verdicts.tell(waits)}" if waits else told


def _judged(tx: Connection, fleet: Fleet, found: Sequence[versions.Version], now: datetime) -> list[signals.NewSignal]:
    """Up to which version each member has been judged: an older one that a person approves later takes nothing back."""
    last = members.states(tx, [v.member_id for v in found])
    return [
        signals.NewSignal(fleet=fleet.name, member_id=v.member_id, name=signal.JUDGED, value=float(v.id), at=now)
        for v in found
        if v.id > (last[v.member_id].signals.get(signal.JUDGED) or 0)
    ]


def _verdict(version: int, ruling: Ruling, now: datetime) -> verdicts.NewVerdict:
    return verdicts.NewVerdict(
        version_id=version,
        gate=ruling.gate,
        passed=ruling.passed,
        at=now,
        message=ruling.message,
        evidence=ruling.evidence,
    )


def _withdrawn(version: int, gate: str, now: datetime) -> verdicts.NewVerdict:
    """The last word of a gate that waited for a person, and is declared no more: it keeps nothing from traffic."""
    return verdicts.NewVerdict(
        version_id=version, gate=gate, passed=True, at=now, message="not asked for any more: it was withdrawn"
    )


def _roll_out(
    tx: Connection,
    house: House,
    fleet: Fleet,
    found: Sequence[versions.Version],
    rulings: dict[int, list[Ruling]],
    now: datetime,
) -> dict[int, str]:
    """Start what passed; for each version, what became of it in words."""
    passed, said = [], {}
    for version in found:
        match verdict(rulings[version.id]):
            case True:
                own, reason = choice(version)
                passed.append(Chosen(version, own, reason))
            case False:
                failed = refusal(rulings[version.id])
                said[version.id] = f"did not pass {failed.gate}: {failed.message}"
                instead = pooled_instead(version, fleet.search.metric) if fleet.pooled else ""
                if instead:
                    passed.append(Chosen(version, False, instead))
            case None:
                said[version.id] = next(r.message for r in rulings[version.id] if r.passed is None)
    return start(tx, fleet.name, fleet.rollout, passed, now, house.actor, pooled=fleet.pooled) | said
