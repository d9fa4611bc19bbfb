"""Tracked runs as a list: what `argosy runs` shows of a search."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection

from argosy.cli import show
from argosy.cli.course import cut
from argosy.cli.option import Common
from argosy.controller import tracked
from argosy.controller.clock import SystemClock
from argosy.controller.tracked import Question
from argosy.errors import UsageError
from argosy.store.tracking import identity
from argosy.store.tracking.runs import RUNNING, Run
from argosy.store.tracking.view import Seen

_LONGEST, _MOST = 40, 1000


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """The options of a search as they were given."""

    where: str
    sort: Sequence[str]
    columns: Sequence[str]
    experiment: str | None

    @property
    def certain(self) -> bool:
        """Whether they are about tracked runs, whatever the filter."""
        return bool(self.sort or self.columns or self.experiment is not None)

    def again(self, limit: int, cursor: str, home: str | None) -> str:
        """The command that goes on, to be pasted."""
        given = [("where", [self.where] * bool(self.where)), ("sort", self.sort), ("columns", self.columns)]
        given += [("experiment", [self.experiment] if self.experiment is not None else [])]
        given += [("limit", [str(limit)]), ("cursor", [cursor]), ("home", [home] if home else [])]
        return shlex.join(["argosy", "runs", *(f"--{name}={value}" for name, values in given for value in values)])


def tell(conn: Connection, asked: Asked, limit: int, cursor: str | None, options: Common) -> int:
    """Print a page of tracked runs."""
    if limit > _MOST:
        raise UsageError(f"--limit {limit} is above {_MOST:,}", next="go on with --cursor, as the page says")
    question = tracked.question(asked.where, asked.sort, asked.columns)
    found = tracked.page(conn, question, asked.experiment, whole=options.json, limit=limit, cursor=cursor)
    if options.json:
        show.emit({"items": [item(each) for each in found.items], "next": found.next})
        return 0
    if not found.items:
        of = f" of experiment {asked.experiment}" if asked.experiment is not None else ""
        show.say(f"no tracked runs{of}" + (f" with {asked.where}" if asked.where else " yet"))
        return 0
    _table(conn, found.items, question)
    if lacking := _lacking(found.items, question):
        show.say(f"none of these has {', '.join(lacking)}", "  next: argosy describe run ID, for what one has")
    if found.next:
        show.say(f"more: {asked.again(limit, found.next, options.home)}")
    return 0


def item(seen: Seen) -> dict[str, Any]:
    """All of a run, for programs."""
    run = seen.run
    return {
        "run": run.run, "name": run.name, "experiment": seen.experiment.name, "status": run.status,
        "owner": run.owner, "started_at": run.started_at, "ended_at": run.ended_at, "deleted_at": run.deleted_at,
        "metrics": {key: last.value for key, last in seen.metrics.items()}, "parameters": seen.parameters,
        "tags": seen.tags,
    }  # fmt: skip


def took(run: Run, now: datetime) -> str | None:
    """How long a run took, or is at work; None where its end is not known."""
    end = run.ended_at or (now if run.status == RUNNING else None)
    return None if end is None else show.span(max(0.0, (end - run.started_at).total_seconds()))


def _table(conn: Connection, items: Sequence[Seen], question: Question) -> None:
    names = identity.shorts(conn, [each.run.run for each in items])
    now = SystemClock().now()
    values = [[_cell(each.value(field)) for field in question.fields] for each in items]
    titles = []
    for place, field in enumerate(question.fields):
        right = all(isinstance(row[place], float | None) for row in values)
        titles.append(f"{'>' * right}{field.title}")
    rows = [
        [
            names[each.run.run], cut(each.run.name, _LONGEST), cut(each.experiment.name, _LONGEST), each.run.status,
            each.run.started_at, took(each.run, now), *row,
        ]
        for each, row in zip(items, values, strict=True)
    ]  # fmt: skip
    show.table(["id", "name", "experiment", "status", "when", ">took", *titles], rows, counts=(), unbounded=True)


def _lacking(items: Sequence[Seen], question: Question) -> list[str]:
    """What was asked to be shown or sorted by, and no run has: a mistyped key, most likely."""
    sought = {(each.entity, each.key) for each in question.clauses}
    return [
        field.title for field in question.fields
        if (field.entity, field.key) not in sought and all(each.value(field) is None for each in items)
    ]  # fmt: skip


def _cell(value: float | str | None) -> float | str | None:
    return cut(value, _LONGEST) if isinstance(value, str) else value
