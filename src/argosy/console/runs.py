"""The runs page: what pipelines there are, and their runs, filtered and paged."""

from __future__ import annotations

from datetime import datetime

import msgspec
from sqlalchemy import Connection

from argosy.console import links, query
from argosy.console.page import Page
from argosy.controller import course
from argosy.controller.course import STATES, Brief
from argosy.controller.pipes import Pipe, pipes

SIZE = 50
"""Runs on a page."""


class Chip(msgspec.Struct, frozen=True):
    """A condition that a click adds to the filter, or takes from it."""

    words: str
    link: str
    on: bool


class RunsPage(msgspec.Struct, frozen=True):
    """What the runs page shows: pipelines, on its first page without a filter, and runs, the newest first.

    `cursor` is where they begin, None for the newest, `next` that of older ones; `error` is what is wrong with `where`.
    """

    where: str
    pipelines: tuple[Pipe, ...]
    chips: tuple[Chip, ...]
    runs: tuple[Brief, ...]
    cursor: str | None
    next: str | None
    error: str = ""


def page(conn: Connection, now: datetime, *, where: str = "", cursor: str | None = None) -> Page:
    """The runs that meet a filter; `now` is the machine's time. Raises UsageError for a filter that cannot be read."""
    data = read(conn, now, where=where, cursor=cursor)
    live = "" if cursor else links.with_query("/runs/live", where=where)
    command = "argosy runs" + (f" --where '{where}'" if where else "")
    return Page("Runs", "runs.html", data, now, here="runs", command=command, live=live, results="runs-results.html")


def read(conn: Connection, now: datetime, *, where: str = "", cursor: str | None = None) -> RunsPage:
    """The snapshot of the runs page."""
    found = course.page(conn, where, now, limit=SIZE, cursor=cursor)
    known = pipes(conn, now)
    return RunsPage(
        where, tuple(known) if not where and cursor is None else (), chips(where, [each.name for each in known]),
        tuple(found.items), cursor, found.next,
    )  # fmt: skip


def chips(where: str, pipelines: list[str]) -> tuple[Chip, ...]:
    """A chip for each state, and for each of some pipelines where there are several."""
    values = [("state", state) for state in STATES]
    values += [("pipeline", name) for name in pipelines[:12]] if len(pipelines) > 1 else []
    return tuple(
        Chip(value, links.runs(where=query.toggled(where, field, value)), query.names(where, field, value))
        for field, value in values
    )
