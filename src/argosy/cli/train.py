"""`argosy train`: train now, by hand."""

from __future__ import annotations

import os
import shlex
import time
from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from argosy.cli import home, show
from argosy.cli.log import quietly
from argosy.cli.option import Common
from argosy.controller import loop, survey, tenure
from argosy.controller import plan as planning
from argosy.controller.act import train as training
from argosy.controller.act.train import Trained
from argosy.controller.action import Gate, Group, Ingest, Materialise, Train, Watch
from argosy.controller.house import House
from argosy.controller.loop import Done
from argosy.controller.observe import FleetState, Snapshot
from argosy.engine.contract import Progress
from argosy.errors import ConflictError, UnknownError
from argosy.registry.address import Address
from argosy.spec.fleet import POOLED
from argosy.spec.quantity import plural

_DATA = (Ingest, Materialise)
_REASONS, _KEYS, _LONGEST = 3, 3, 200


def train(fleet: str, /, *members: str, common: Common | None = None) -> int:
    """Train a fleet, or some of its members, whether their condition holds or not.

    New data is taken in first. Members whose rows, features, code and parameters are those of their
    last training are not fitted again. New versions go through the gates and reach traffic as usual.
    Where members fail, the others land; the commonest reasons are printed, and the exit code is 1.

    For example:
      argosy train late-arrival
      argosy train late-arrival JFK/AA LGA/DL
      argosy train late-arrival "*"        (the pooled model)

    Parameters
    ----------
    fleet
        The fleet.
    members
        Keys of members as in their addresses. Default: all of them, and the pooled model.
    """
    given = common or Common()
    quietly()
    with home.open(given.home) as store:
        now = home.clock(store).now()
        actor = home.actor()
        with House(store, actor=actor, environment=os.environ) as house:
            told = _Told(quiet=given.json)
            loop.tick(house, now, only=(*_DATA, Watch), on_done=told)
            snapshot = survey.observe(house, now)
            if fleet not in snapshot.fleets:
                known = ", ".join(sorted(snapshot.fleets)) or "none is declared"
                raise UnknownError(f"there is no fleet {fleet!r}", next=f"the fleets are: {known}")
            action = _action(snapshot, snapshot.fleets[fleet], members, f"asked for by {actor}")
            done = _train(house, snapshot, action, now, told)
            told.say(done.said)
            loop.tick(house, now, only=(Gate,), on_done=told)
    found = reasons(done.failed)
    failed = told.failed or done.empty or bool(found)
    if given.json:
        show.emit({"done": told.lines, "failed": failed, "reasons": found})
    elif found:
        show.say(*lines(fleet, found))
    elif done.empty:
        show.say(f"  next: argosy why {fleet}")
    return 1 if failed else 0


class Reason(msgspec.Struct, frozen=True):
    """Why members failed, with their keys."""

    reason: str
    members: list[str]


def reasons(failed: Mapping[str, str]) -> list[Reason]:
    """What members failed of, from key to reason, by reason: the commonest first, keys in their order."""
    found: dict[str, list[str]] = {}
    for key, reason in sorted(failed.items()):
        found.setdefault(reason, []).append(key)
    return [Reason(reason, keys) for reason, keys in sorted(found.items(), key=lambda item: -len(item[1]))]


def lines(fleet: str, found: Sequence[Reason]) -> list[str]:
    """The commonest reasons with a few of the members each, how many more there are, and how to learn more."""
    shown = []
    for each in found[:_REASONS]:
        named = ", ".join(key or fleet for key in each.members[:_KEYS]) + ", …" * (len(each.members) > _KEYS)
        said, *_ = each.reason.split("\n")
        shown.append(f"  {len(each.members):,} failed ({named}): {said[:_LONGEST]}")
    rest = found[_REASONS:]
    if rest:
        failed = sum(len(each.members) for each in rest)
        shown.append(f"  {failed:,} more failed, of {plural(len(rest), 'other reason')}")
    first = Address(fleet, found[0].members[0]).member
    return [*shown, f"  next: argosy why {shlex.quote(first)}"]


class _Told:
    """What happened, in words: at once for people, at the end for programs."""

    def __init__(self, *, quiet: bool) -> None:
        self.lines: list[str] = []
        self.failed = False
        self._quiet, self._last = quiet, time.monotonic()

    def __call__(self, done: Done) -> None:
        self.failed |= done.failed
        self.say(done.said)

    def say(self, line: str) -> None:
        """Something that was done."""
        self.lines.append(line)
        if not self._quiet:
            show.say(line)

    def progress(self, progress: Progress) -> None:
        """A line every few seconds while members are trained."""
        if not self._quiet and time.monotonic() - self._last > 2.0:
            self._last = time.monotonic()
            show.say(f"  {progress.done} of {progress.total} trained")


def _train(house: House, snapshot: Snapshot, action: Train, now: datetime, told: _Told) -> Trained:
    """Train under the fleet's lease, as the loop does. Raises ConflictError while another process holds it.

    Where nothing can be trained, or the data may not be used, what came of it says what is waited for, and who waits.
    """
    fleet = snapshot.fleets[action.fleet].fleet
    if (wait := planning.unready(snapshot, fleet)) is not None:
        return Trained(wait.why, empty=True)
    if (wait := planning.held(snapshot, fleet)) is not None:
        return Trained(f"{fleet.name} is not trained: {wait.why}{_waiting(action)}", empty=True)
    with tenure.hold(house.store, action.subject) as lease:
        if lease is None:
            raise ConflictError(f"another process is at work on {action.fleet}", next="argosy get leases, or try again")
        if not house.take(lease):
            snapshot = survey.observe(house, now)
        return training.run(house, snapshot, action, now, told.progress)


def _waiting(action: Train) -> str:
    """Which members wait, as the end of a sentence; nothing where there are none yet."""
    keys = action.members
    named = ", ".join(keys[:_KEYS]) + ", …" * (len(keys) > _KEYS)
    return f"; {plural(len(keys), 'member')} waiting: {named}" if any(keys) else ""


def _action(snapshot: Snapshot, state: FleetState, members: tuple[str, ...], cause: str) -> Train:
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
