"""What a person does by hand to many members at once: one transaction, in which all of it happens or nothing."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import datetime

from sqlalchemy import Connection

from argosy.errors import ConflictError
from argosy.registry import rollout
from argosy.registry.address import Address
from argosy.spec.quantity import plural
from argosy.store import aliases, events, members, versions
from argosy.store.store import Store

Select = Callable[[Connection], Collection[int]]
"""Gives the ids of members, as they are in the transaction that changes them."""


def promote(store: Store, select: Select, actor: str, reason: str, now: datetime) -> str:
    """Make the newest version of each selected member its champion, whatever its gates said; what was done, in words.

    Members whose newest version answers already, or that have none, stay as they are. Raises ConflictError where that
    is all of them.
    """
    with store.write() as tx:
        states = members.states(tx, select(tx))
        newest = versions.get(tx, [id for each in states.values() if (id := _rising(each)) is not None])
        if not newest:
            raise ConflictError(
                f"of {plural(len(states), 'member')}, each is answered by its newest version already, or has none",
                next="nothing to do",
            )
        why = reason or f"promoted by {actor}"
        by_fleet: dict[str, list[versions.Version]] = {}
        for version in newest.values():
            by_fleet.setdefault(version.fleet, []).append(version)
        for fleet, some in by_fleet.items():
            rollout.promote(tx, fleet, some, now, actor, why)
        told = {v.member_id: f"version {v.number} answers now: {why}" for v in newest.values()}
        events.add(tx, _events("promoted", states, told, {v.member_id: v.id for v in newest.values()}, actor, now))
    return f"{plural(len(newest), 'member')} answered by the newest version now{_rest(len(states) - len(newest))}"


def roll_back(store: Store, select: Select, actor: str, reason: str, now: datetime) -> str:
    """Undo the last change of each selected member; returns what was done, in words.

    Members with nothing to go back to stay as they are. Raises ConflictError where that is all of them.
    """
    with store.write() as tx:
        states = members.states(tx, select(tx))
        why = reason or f"rolled back by {actor}"
        done = rollout.undo(tx, states, now, actor, why)
        if not done:
            raise ConflictError(
                f"{plural(len(states), 'member')} had no other champion, and no rollout is under way",
                next="argosy get aliases shows what answered when",
            )
        told = {id: f"{said}: {why}" for id, said in done.items()}
        events.add(tx, _events("rolled_back", states, told, {id: states[id].champion_id for id in done}, actor, now))
    return f"{plural(len(done), 'member')} rolled back{_rest(len(states) - len(done))}"


def _rising(state: members.State) -> int | None:
    """The newest version of a member, unless it answers already."""
    settled = state.target == aliases.OWN and state.champion_id == state.version_id and state.challenger_id is None
    return None if settled else state.version_id


def _rest(left: int) -> str:
    return f"; {left:,} stay as they are" if left else ""


def _events(
    kind: str, states: Mapping[int, members.State], told: Mapping[int, str], moved: Mapping[int, int | None],
    actor: str, now: datetime,
) -> list[events.NewEvent]:  # fmt: skip
    return [
        events.NewEvent(
            at=now, kind=kind, subject=Address(states[id].fleet, states[id].key).member, actor=actor, message=said,
            body={"version": moved[id]},
        )
        for id, said in told.items()
    ]  # fmt: skip
