"""Rollouts: how a version that passed its gates reaches traffic, and how it leaves it again. Every move is a fact."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection

from argosy.errors import ConflictError
from argosy.registry.address import Address
from argosy.spec.rollout import NOUNS, Gradual, Immediate, Rollout, kind
from argosy.store import aliases, members, rollouts
from argosy.store.aliases import CHALLENGER, CHAMPION, NONE, OWN, POOLED, Move
from argosy.store.filters import Term
from argosy.store.rollouts import FINISHED, ROLLED_BACK, STARTED, SUPERSEDED, NewRollout
from argosy.store.versions import Version, get


class Chosen(msgspec.Struct, frozen=True):
    """A version that may answer, or (`own` false) whose member is better answered by the pooled model."""

    version: Version
    own: bool
    reason: str


class _Step(msgspec.Struct):
    moves: list[Move] = []
    states: list[NewRollout] = []

    def write(self, tx: Connection) -> None:
        rollouts.record(tx, self.states)
        aliases.move(tx, self.moves)


def start(
    tx: Connection, fleet: str, rollout: Rollout, chosen: Sequence[Chosen], now: datetime, actor: str, *,
    pooled: bool = True,
) -> dict[int, str]:  # fmt: skip
    """Bring versions to traffic as the fleet's rollout says; returns what happened to each, in words, by version id.

    The first version of a member that nobody answers for yet goes straight to all of its rows: there is no champion
    to compare it with. Nor is there where the pooled model answered and the fleet is declared without one now (`pooled`
    false). A version that answers already, or whose rollout is under way, is left as it is.
    """
    compared = (OWN, POOLED) if pooled else (OWN,)
    states = members.states(tx, (each.version.member_id for each in chosen))
    step, said = _Step([], []), dict[int, str]()
    for each in chosen:
        state = states[each.version.member_id]
        if each.own and _is_there(state, each.version.id):
            said[each.version.id] = "on its way already"
            continue
        _supersede(step, fleet, state, None, now, actor)
        if not each.own:
            if state.target != POOLED:
                step.moves.append(_move(fleet, each.version, POOLED, now, actor, each.reason))
            said[each.version.id] = "the pooled model answers"
        elif not isinstance(rollout, Immediate) and state.target in compared:
            started = _state(fleet, each.version, kind(rollout), STARTED, now, each.reason, share=rollout.share)
            step.states.append(started)
            step.moves.append(_move(fleet, each.version, OWN, now, actor, each.reason, CHALLENGER))
            said[each.version.id] = _words(rollout)
        else:
            step.states.append(_state(fleet, each.version, "immediate", FINISHED, now, each.reason, share=1.0))
            step.moves.append(_move(fleet, each.version, OWN, now, actor, each.reason))
            said[each.version.id] = "promoted"
    step.write(tx)
    return said


def promote(
    tx: Connection, fleet: str, versions: Iterable[Version], now: datetime, actor: str,
    reason: str | Mapping[int, str], evidence: Mapping[int, dict[str, Any]] | None = None,
) -> None:  # fmt: skip
    """Make versions champions of their members; a rollout of theirs is finished, that of any other is superseded."""
    given = list(versions)
    states = members.states(tx, (version.member_id for version in given))
    step = _Step([], [])
    for version in given:
        state, why = states[version.member_id], _reason(reason, version.id)
        if state.rollout_version_id == version.id and state.rollout_state == STARTED:
            seen, started = (evidence or {}).get(version.id, {}), state.rollout_kind or "canary"
            step.states.append(_state(fleet, version, started, FINISHED, now, why, share=1.0, evidence=seen))
        else:
            _supersede(step, fleet, state, version.id, now, actor)
            step.states.append(_state(fleet, version, "immediate", FINISHED, now, why, share=1.0))
        step.moves.append(_move(fleet, version, OWN, now, actor, why))
        if state.challenger_id == version.id:
            step.moves.append(_move(fleet, version, NONE, now, actor, why, CHALLENGER))
    step.write(tx)


def widen(
    tx: Connection, fleet: str, shares: Mapping[int, float], now: datetime,
    reason: Mapping[int, str], evidence: Mapping[int, dict[str, Any]],
) -> None:  # fmt: skip
    """Begin the next step of running canaries: by the id of each version, the share of the rows that it has now."""
    found = get(tx, shares)
    states = [
        _state(fleet, version, "canary", STARTED, now, reason[id], share=shares[id], evidence=evidence.get(id, {}))
        for id, version in found.items()
    ]
    rollouts.record(tx, states)


def reject(
    tx: Connection, fleet: str, versions: Iterable[Version], now: datetime, actor: str,
    reason: str | Mapping[int, str], evidence: Mapping[int, dict[str, Any]] | None = None,
) -> None:  # fmt: skip
    """End the rollouts of versions under way; the champion answers all rows, as before."""
    given, step = list(versions), _Step([], [])
    states = members.states(tx, (version.member_id for version in given))
    for version in given:
        why, seen = _reason(reason, version.id), (evidence or {}).get(version.id, {})
        started = states[version.member_id].rollout_kind or "canary"
        step.states.append(_state(fleet, version, started, ROLLED_BACK, now, why, share=0.0, evidence=seen))
        step.moves.append(_move(fleet, version, NONE, now, actor, why, CHALLENGER))
    step.write(tx)


def roll_back(tx: Connection, fleet: str, member_id: int, now: datetime, actor: str, reason: str) -> str:
    """Undo the last change of a member: end its rollout, or give the place back to the previous champion.

    Returns what was done, in words. Raises ConflictError if there is nothing to go back to.
    """
    states = members.states(tx, [member_id])
    done = undo(tx, states, now, actor, reason)
    if member_id not in done:
        member = Address(fleet, states[member_id].key).member
        where = shlex.quote(str(Term("address", ":", member, quoted=True)))
        raise ConflictError(f"{member} has had no other champion", next=f"argosy get versions --where {where}")
    return done[member_id]


def undo(
    tx: Connection, states: Mapping[int, members.State], now: datetime, actor: str, reason: str
) -> dict[int, str]:  # fmt: skip
    """`roll_back` of many members: by id what was done to each; those with nothing to go back to are left out."""
    step, said = _Step([], []), dict[int, str]()
    running = {id for id, each in states.items() if each.rollout_state == STARTED and each.rollout_version_id}
    past = aliases.before(tx, states.keys() - running, CHAMPION)
    numbers = get(tx, (each.version_id for each in past.values() if each.version_id is not None))
    for id, state in states.items():
        former = past.get(id)
        if id in running:
            _supersede(step, state.fleet, state, None, now, actor, ROLLED_BACK, reason)
            said[id] = f"the {NOUNS[state.rollout_kind or 'canary']} was taken off traffic"
        elif former is not None and former.target != NONE:
            step.moves.append(
                Move(fleet=state.fleet, member_id=id, alias=CHAMPION, target=former.target,
                     version_id=former.version_id, at=now, actor=actor, reason=reason)
            )  # fmt: skip
            own = numbers.get(former.version_id or 0)
            said[id] = f"version {own.number} answers again" if own is not None else "the pooled model answers again"
    step.write(tx)
    return said


def _is_there(state: members.State, version: int) -> bool:
    running = state.rollout_state == STARTED and state.rollout_version_id == version
    return running or (state.target == OWN and state.champion_id == version and state.rollout_state != STARTED)


def _supersede(
    step: _Step, fleet: str, state: members.State, by: int | None, now: datetime, actor: str,
    outcome: str = SUPERSEDED, reason: str = "a newer version took its place",
) -> None:  # fmt: skip
    """End a running rollout of another version than `by`, which is taken off traffic."""
    running = state.rollout_version_id
    if state.rollout_state == STARTED and running is not None and running != by:
        step.states.append(
            NewRollout(fleet=fleet, member_id=state.member_id, version_id=running, kind=state.rollout_kind or "canary",
                       state=outcome, at=now, share=0.0, reason=reason)
        )  # fmt: skip
        step.moves.append(
            Move(fleet=fleet, member_id=state.member_id, alias=CHALLENGER, target=NONE, at=now, actor=actor,
                 reason=reason)
        )  # fmt: skip


def _state(
    fleet: str, version: Version, kind: str, state: str, now: datetime, reason: str, *, share: float,
    evidence: dict[str, Any] | None = None,
) -> NewRollout:  # fmt: skip
    return NewRollout(
        fleet=fleet, member_id=version.member_id, version_id=version.id, kind=kind, state=state, at=now, share=share,
        reason=reason, evidence=evidence or {},
    )  # fmt: skip


def _move(
    fleet: str, version: Version, target: str, now: datetime, actor: str, reason: str, alias: str = CHAMPION
) -> Move:
    return Move(
        fleet=fleet, member_id=version.member_id, alias=alias, target=target, at=now, actor=actor,
        version_id=version.id if target == OWN else None, reason=reason,
    )  # fmt: skip


def _words(rollout: Gradual) -> str:
    """What was started: `canary on 20% of the rows`."""
    return f"{NOUNS[kind(rollout)]} {'of' if kind(rollout) == 'shadow' else 'on'} {rollout.share:.0%} of the rows"


def _reason(reason: str | Mapping[int, str], version: int) -> str:
    return reason if isinstance(reason, str) else reason[version]
