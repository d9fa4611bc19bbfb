"""Training that is asked for: a fleet or some of its members, whether their condition holds or not."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from argosy.controller import loop, survey, tenure
from argosy.controller import plan as planning
from argosy.controller.act import train as act
from argosy.controller.act.train import OnProgress, Trained
from argosy.controller.action import Gate, Group, Ingest, Materialise, Train, Watch
from argosy.controller.house import House
from argosy.controller.loop import Done, OnDone
from argosy.controller.observe import FleetState, Snapshot
from argosy.errors import ArgosyError, ConflictError, UnknownError
from argosy.registry.address import Address
from argosy.spec.fleet import POOLED
from argosy.spec.quantity import plural
from argosy.store import Store, versions

_KEYS, _TOLD, _POLL = 3, 100, 1.0


def train(
    house: House, fleet: str, members: Sequence[str], cause: str, now: datetime, *, on_done: OnDone | None = None,
    on_progress: OnProgress | None = None, patience: float = 0.0,
) -> Trained:  # fmt: skip
    """Take in new data, train a fleet or some of its members by their keys, and let the gates judge what came of it.

    `on_done` is told of each action. Where nothing can be trained, or the data may not be used, what came of it says
    what is waited for, and who waits. Raises UnknownError for a fleet or a member that is not there, and ConflictError
    where another process is at work on the fleet for longer than `patience` seconds.
    """
    loop.tick(house, now, only=(Ingest, Materialise, Watch), on_done=on_done)
    snapshot = survey.observe(house, now)
    if fleet not in snapshot.fleets:
        known = ", ".join(sorted(snapshot.fleets)) or "none is declared"
        raise UnknownError(f"there is no fleet {fleet!r}", next=f"the fleets are: {known}")
    action = _action(snapshot, snapshot.fleets[fleet], members, cause)
    began, cpu = time.monotonic(), time.process_time()
    found = _train(house, snapshot, action, now, on_progress, began + patience)
    if on_done is not None:
        on_done(Done(action, found.said, found.empty, time.monotonic() - began, time.process_time() - cpu))
    loop.tick(house, now, only=(Gate,), on_done=on_done)
    return found


def tell(store: Store, fleet: str, found: Trained) -> dict[str, Any]:
    """What came of a training as a plain value: counts of members, and the numbers of the first new versions.

    Raises ArgosyError where nothing was trained, or every member that was to be trained failed.
    """
    if found.empty:
        raise ArgosyError(found.said, next=f"argosy why {fleet}")
    if found.failed and not (found.versions or found.unchanged or found.fallbacks):
        key, reason = min(found.failed.items())
        said = f"all {len(found.failed):,} members of {fleet} failed; {Address(fleet, key).member}: {reason}"
        raise ArgosyError(said, next=f"argosy why {fleet}")
    first = dict(sorted(found.versions.items())[:_TOLD])
    with store.read() as conn:
        made = versions.get(conn, first.values())
    return {
        "trained": len(found.versions), "unchanged": found.unchanged, "failed": len(found.failed),
        "fallbacks": found.fallbacks,
        "versions": {Address(fleet, key).member: made[id].number for key, id in first.items()},
    }  # fmt: skip


def _train(
    house: House, snapshot: Snapshot, action: Train, now: datetime, on_progress: OnProgress | None, until: float
) -> Trained:
    """Train under the fleet's lease, as the loop does."""
    fleet = snapshot.fleets[action.fleet].fleet
    if (wait := planning.unready(snapshot, fleet)) is not None:
        return Trained(wait.why, empty=True)
    if (wait := planning.held(snapshot, fleet)) is not None:
        return Trained(f"{fleet.name} is not trained: {wait.why}{_waiting(action)}", empty=True)
    while True:
        with tenure.hold(house.store, action.subject) as lease:
            if lease is not None:
                snapshot = snapshot if house.take(lease) else survey.observe(house, now)
                return act.run(house, snapshot, action, now, on_progress)
        if time.monotonic() >= until:
            raise ConflictError(f"another process is at work on {action.fleet}", next="argosy get leases, or try again")
        time.sleep(_POLL)


def _waiting(action: Train) -> str:
    """Which members wait, as the end of a sentence; nothing where there are none yet."""
    keys = action.members
    named = ", ".join(keys[:_KEYS]) + ", …" * (len(keys) > _KEYS)
    return f"; {plural(len(keys), 'member')} waiting: {named}" if any(keys) else ""


def _action(snapshot: Snapshot, state: FleetState, members: Sequence[str], cause: str) -> Train:
    """The training that was asked for. Raises UnknownError for a member that is not there."""
    known = list(state.table["key"])
    unknown = [key for key in members if key not in known]
    if unknown:
        raise UnknownError(
            f"fleet {state.fleet.name} has no member {unknown[0]!r}",
            next=f"argosy get members --where fleet:{state.fleet.name}",
        )
    own = tuple(key for key in members or known if key != POOLED)
    pooled = state.fleet.pooled and (not members or POOLED in members)
    return Train(state.fleet.name, (Group(cause, own),), pooled, cause, state.revision)
