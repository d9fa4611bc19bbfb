"""The plan page: what the controller would do now, with its reasons."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import msgspec
from sqlalchemy import Connection

from argosy.console import words
from argosy.console.page import Page
from argosy.controller import survey
from argosy.controller.action import Action, Finish, Gate, Group, Train, Wait, headline
from argosy.controller.plan import Plan, plan
from argosy.store import executions, members
from argosy.store.versions import get as versions_of


class Step(msgspec.Struct, frozen=True):
    """One action: what, why, and whom it touches, grouped by cause."""

    action: str
    headline: str
    why: str
    fleet: str
    groups: tuple[Group, ...] = ()
    until: datetime | None = None
    cost: str = ""


class PlanPage(msgspec.Struct, frozen=True):
    """What the plan page shows."""

    at: datetime
    steps: tuple[Step, ...]


def page(conn: Connection, now: datetime) -> Page:
    """The plan that follows from facts alone."""
    made = from_facts(conn, now)
    steps = tuple(_step(conn, action) for action in made.actions)
    data = PlanPage(made.at, steps)
    return Page("Plan", "plan.html", data, now, here="plan", command="argosy plan")


def from_facts(conn: Connection, now: datetime) -> Plan:
    """What would be done, were nothing new outside: no source is asked, nor an inference server."""
    return plan(survey.glance(conn, now), now)


def _step(conn: Connection, action: Action) -> Step:
    name = str(msgspec.to_builtins(action)["action"])
    fleet = getattr(action, "fleet", "")
    match action:
        case Train(groups=groups, pooled=pooled):
            cost = executions.cost(conn, "train", fleet=fleet)
            count = len(action.members) + pooled
            spent = f"about {words.short(cost.cpu_s * count)} CPU-s" if cost.cpu_s is not None else "not known yet"
            return Step(name, headline(action), action.why, fleet, groups, None, spent)
        case Finish(promote=held, roll_back=back, widen=wider):
            causes = (("promote", held), ("roll back", back), ("widen", tuple(dict(wider))))
            groups = tuple(Group(cause, _keys(conn, ids)) for cause, ids in causes if ids)
            return Step(name, headline(action), action.why, fleet, groups)
        case Gate(versions=ids):
            return Step(name, headline(action), action.why, fleet, (Group("new versions", _keys(conn, ids)),))
        case Wait(members=keys, until=until):
            groups = (Group("waiting", keys),) if keys else ()
            return Step(name, headline(action), action.why, fleet, groups, until)
        case _:
            return Step(name, headline(action), action.why, fleet)


def _keys(conn: Connection, ids: Iterable[int]) -> tuple[str, ...]:
    """The keys of the members of some versions."""
    found = versions_of(conn, ids)
    known = members.get(conn, [version.member_id for version in found.values()])
    return tuple(sorted(known[version.member_id].key for version in found.values()))
