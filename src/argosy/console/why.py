"""The why page: every decision about a member as a tree of what it saw, and why nothing happens now."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
import polars as pl
from sqlalchemy import Connection

from argosy.console import facts, links, words
from argosy.console.ahead import Ahead, ahead, nearest
from argosy.console.page import Page
from argosy.console.since import Held, conditions
from argosy.controller import survey
from argosy.controller import why as reasons
from argosy.controller.topic import Topic
from argosy.store import aliases, decisions, rollouts, versions

_NOW = "Now"


class Decision(msgspec.Struct, frozen=True):
    """Something that was decided: what, when, why, what came of it, and the tree of what was seen."""

    at: datetime
    action: str
    reason: str
    outcome: str
    saw: Held | None
    evidence: dict[str, Any] = {}


class WhyPage(msgspec.Struct, frozen=True):
    """What the why page shows: `verdict` says what would happen now or why nothing, `now` is the tree behind it.

    `topics` tell who answers, and how it came to be, as the command line does.
    """

    fleet: str
    key: str
    status: str
    reason: str
    verdict: str
    topics: tuple[Topic, ...]
    now: Held
    ahead: tuple[Ahead, ...]
    decisions: tuple[Decision, ...]


def page(conn: Connection, address: str, now: datetime) -> Page:
    """The decisions about a member. Raises `UnknownError` if there is none."""
    data = read(conn, address, now)
    name = words.name(data.key)
    crumbs = (("fleets", "/"), (data.fleet, links.fleet(data.fleet)), (name, links.member(data.fleet, data.key)))
    return Page(
        f"Why {data.fleet} {name}", "why.html", data, now, trail=(*crumbs, ("why", None)), here="fleets",
        command=f"argosy why {address}",
    )  # fmt: skip


def read(conn: Connection, address: str, now: datetime) -> WhyPage:
    """The snapshot of the why page."""
    name, key, member = facts.split(conn, address)
    state = facts.state(conn, name, now)
    row = state.table.row(by_predicate=pl.col("key") == key, named=True)
    found = [_decision(each) for each in decisions.of_member(conn, member.member_id, 60)]
    found += _moves(conn, member.member_id)
    told = reasons.why(conn, survey.glance(conn, now), address, now).topics
    verdict = next((topic.says for topic in told if topic.title == _NOW), "")
    return WhyPage(
        name, key, row["status"], row["reason"], verdict, tuple(topic for topic in told if topic.title != _NOW),
        conditions(conn, state.fleet.retrain, row, now), nearest(ahead(state, row, now)),
        tuple(sorted(found, key=lambda each: each.at, reverse=True)),
    )  # fmt: skip


def _decision(made: decisions.Decision) -> Decision:
    saw = made.body.get("saw")
    tree = msgspec.convert(saw, Held) if saw else None
    rest = {name: value for name, value in made.body.items() if name not in ("saw", "outcome")}
    return Decision(made.at, made.action, made.reason, made.body.get("outcome", ""), tree, rest)


def _moves(conn: Connection, member: int) -> list[Decision]:
    """Moves of aliases and states of rollouts: decisions too, with their evidence."""
    numbers = {version.id: version.number for version in versions.of(conn, [member])}
    found = []
    for move in aliases.history(conn, member, aliases.CHAMPION, 60):
        target = f"version {numbers.get(move.version_id or 0)}" if move.version_id else f"{move.target} model"
        found.append(Decision(move.at, "champion", move.reason, f"{target} answers, by {move.actor}", None))
    for each in rollouts.history(conn, member, 60):
        if each.kind != "immediate":
            outcome = f"version {numbers.get(each.version_id)}: {each.kind} {each.state.replace('_', ' ')}"
            found.append(Decision(each.at, "rollout", each.reason, outcome, None, each.evidence))
    return found
