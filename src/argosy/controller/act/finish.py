"""Carry out a `Finish`: versions that held become champions, or get more rows; those that did worse leave traffic."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from argosy.controller import signal
from argosy.controller.action import Finish
from argosy.controller.house import House
from argosy.controller.observe import Snapshot
from argosy.registry.rollout import promote, reject, widen
from argosy.spec.quantity import plural
from argosy.store import events, members, signals, versions
from argosy.store.rollouts import STARTED


def run(house: House, snapshot: Snapshot, action: Finish, now: datetime) -> str:
    """End rollouts, and widen canaries, in one transaction, each with the evidence that its last watch recorded.

    What a person has ended since the plan was made is left as it is. Of a canary that is widened nothing is known of
    its new step: what the last watch said of it is withdrawn.
    """
    shares = dict(action.widen)
    with house.write(action.subject) as tx:
        found = _running(tx, (*action.promote, *action.roll_back, *shares))
        bodies = _evidence(tx, found)
        held = [found[id] for id in action.promote if id in found]
        worse = [found[id] for id in action.roll_back if id in found]
        said = {id: bodies.get(id, {}).get("reason", action.why) for id in found}
        promote(tx, action.fleet, held, now, house.actor, said, bodies)
        reject(tx, action.fleet, worse, now, house.actor, said, bodies)
        wider = [found[id] for id in shares if id in found]
        widen(tx, action.fleet, {v.id: shares[v.id] for v in wider}, now, said, bodies)
        signals.record(tx, [_unknown(v, now) for v in wider])
        keys = members.get(tx, [version.member_id for version in found.values()])
        names = {id: f"{action.fleet}/{keys[v.member_id].key}".rstrip("/") for id, v in found.items()}
        events.add(
            tx,
            [_event("promoted", names[v.id], v, said[v.id], house.actor, now) for v in held]
            + [_event("rolled_back", names[v.id], v, said[v.id], house.actor, now) for v in worse]
            + [_event("widened", names[v.id], v, _widened(shares[v.id], said[v.id]), house.actor, now) for v in wider],
        )
    told = f"{action.fleet}: {plural(len(held), 'version')} promoted, {len(worse)} rolled back"
    return f"{told}, {len(wider)} widened" if action.widen else told


def _widened(share: float, why: str) -> str:
    return f"on {share:.0%} of the rows now: {why}"


def _unknown(version: versions.Version, now: datetime) -> signals.NewSignal:
    return signals.NewSignal(
        fleet=version.fleet, member_id=version.member_id, name=signal.CANARY, value=0.0, at=now,
        body={"version": version.id, "reason": "it was asked for no row yet"},
    )  # fmt: skip


def _running(tx: Connection, ids: Sequence[int]) -> dict[int, versions.Version]:
    """Those of some versions whose rollout is under way."""
    found = versions.get(tx, ids)
    states = members.states(tx, [version.member_id for version in found.values()])
    return {
        id: version
        for id, version in found.items()
        if (states[version.member_id].rollout_version_id, states[version.member_id].rollout_state) == (id, STARTED)
    }


def _evidence(tx: Connection, found: dict[int, versions.Version]) -> dict[int, dict[str, Any]]:
    """The body of the latest signal of the rollout of each version's member, where it speaks of that version."""
    bodies = signals.bodies(tx, signal.CANARY, [version.member_id for version in found.values()])
    return {id: seen for id, v in found.items() if (seen := bodies.get(v.member_id, {})).get("version") == id}


def _event(
    kind: str, subject: str, version: versions.Version, reason: str, actor: str, now: datetime
) -> events.NewEvent:
    message = f"version {version.number}: {reason}"
    return events.NewEvent(
        at=now, kind=kind, subject=subject, actor=actor, message=message, body={"version": version.id}
    )
