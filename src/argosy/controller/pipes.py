"""Pipelines that are declared: when each runs by itself, when it will next, and how its last run went."""

from __future__ import annotations

from datetime import datetime

import msgspec
from sqlalchemy import Connection

from argosy.controller import course
from argosy.controller.course import Brief
from argosy.controller.wanted import wanted
from argosy.spec import schedule
from argosy.spec.pipeline import Pipeline
from argosy.store import pauses, runs


class Pipe(msgspec.Struct, frozen=True, kw_only=True):
    """A pipeline in the list; `starts` says in words what starts it, nothing where it only runs when it is asked to.

    `next` is when it runs next: None where no schedule says so, or while it is paused.
    """

    name: str
    project: str
    description: str
    starts: tuple[str, ...]
    next: datetime | None
    paused: bool
    reason: str
    last: Brief | None


def pipes(conn: Connection, now: datetime) -> list[Pipe]:
    """Every declared pipeline, by name; `now` is the machine's time. A constant number of queries."""
    known = [(each.declaration, each.project) for each in wanted(conn).values()]
    found = [(each, project) for each, project in known if isinstance(each, Pipeline)]
    lasts = {each.pipeline: each.id for each in runs.lately(conn)}
    told = {
        each.pipeline: each for each in course.briefs(conn, [lasts[p.name] for p, _ in found if p.name in lasts], now)
    }
    halted = pauses.latest(conn)
    made = []
    for each, project in sorted(found, key=lambda each: each[0].name):
        pause = halted.get(each.name)
        paused = pause is not None and pause.paused
        when = [schedule.show(each.schedule)] if each.schedule is not None else []
        made.append(
            Pipe(
                name=each.name, project=project, description=each.description, starts=(*when, *map(str, each.on)),
                paused=paused,
                next=schedule.next(each.schedule, now) if each.schedule is not None and not paused else None,
                reason=pause.reason if pause is not None and paused else "", last=told.get(each.name),
            )
        )  # fmt: skip
    return made
