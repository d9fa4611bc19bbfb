"""`argosy train`: train now, by hand."""

from __future__ import annotations

import shlex
import time
from collections.abc import Mapping, Sequence

import msgspec

from argosy.cli import home, show
from argosy.cli.log import quietly
from argosy.cli.option import Worked
from argosy.controller import training
from argosy.controller.house import House
from argosy.controller.loop import Done
from argosy.engine.contract import Progress
from argosy.registry.address import Address
from argosy.spec.quantity import plural

_REASONS, _KEYS, _LONGEST = 3, 3, 200


def train(fleet: str, /, *members: str, common: Worked | None = None) -> int:
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
    given = common or Worked()
    quietly()
    with home.open(given.home) as store:
        now = home.clock(store).now()
        actor = home.actor()
        with House(store, actor=actor, environment=given.environment()) as house:
            told = _Told(quiet=given.json)
            cause = f"asked for by {actor}"
            done = training.train(house, fleet, members, cause, now, on_done=told, on_progress=told.progress)
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
