"""The list of experiments: how many runs each has, and which began last."""

from __future__ import annotations

import re
from datetime import datetime

import msgspec
from sqlalchemy import Connection

from argosy.console import links
from argosy.console.page import Page
from argosy.store.tracking import census, clause, gallery
from argosy.store.tracking.clause import Clause
from argosy.store.tracking.experiments import Experiment
from argosy.store.tracking.grammar import EXPERIMENTS, Grammar
from argosy.store.tracking.search import ACTIVE, DELETED

SIZE = 50
"""Experiments on a page."""
_COMPARES = re.compile(r"[<>=!]|\b(?:LIKE|ILIKE|IN|IS)\b", re.IGNORECASE)


class Latest(msgspec.Struct, frozen=True):
    """The run of an experiment that began last."""

    run: str
    name: str
    status: str
    at: datetime
    owner: str


class Entry(msgspec.Struct, frozen=True):
    """An experiment in the list: its `runs`, and those of them in the trash."""

    id: int
    name: str
    at: datetime
    deleted_at: datetime | None
    runs: int
    deleted: int
    last: Latest | None


class ExperimentsPage(msgspec.Struct, frozen=True):
    """What the list shows; `view` is active or deleted, which is the trash. `error` is what is wrong with `where`."""

    where: str
    view: str
    experiments: tuple[Entry, ...]
    cursor: str | None
    next: str | None
    error: str = ""


def page(
    conn: Connection, now: datetime, *, where: str = "", view: str = ACTIVE, cursor: str | None = None
) -> Page:  # fmt: skip
    """The experiments that meet a filter, or whose names hold a text. Raises UsageError for what cannot be read."""
    data = read(conn, where=where, view=view, cursor=cursor)
    live = links.with_query("/experiments/live", where=where, view=data.view) if cursor is None else ""
    crumbs = (("experiments", links.experiments()), ("trash", None)) if data.view == DELETED else ()
    return Page(
        "Experiments", "experiments.html", data, now, trail=crumbs, here="experiments",
        command="argosy get experiments", live=live, results="experiments-results.html",
    )  # fmt: skip


def read(conn: Connection, *, where: str = "", view: str = ACTIVE, cursor: str | None = None) -> ExperimentsPage:
    """The snapshot of the list; a constant number of queries."""
    shown = DELETED if view == DELETED else ACTIVE
    found = gallery.page(conn, clauses(where, EXPERIMENTS), view=shown, limit=SIZE, token=cursor)
    counts = census.of(conn, [each.id for each in found.items])
    entries = tuple(_entry(each, counts[each.id]) for each in found.items)
    return ExperimentsPage(where, shown, entries, cursor, found.next)


def clauses(where: str, grammar: Grammar) -> list[Clause]:
    """Comparisons in the search language of things with names, or a part of a name. Raises UsageError."""
    text = where.strip()
    if not text or _COMPARES.search(text):
        return clause.parse(text, grammar, plain=True)
    return [Clause("attribute", "name", "ILIKE", f"%{text}%")]


def _entry(found: Experiment, count: census.Count) -> Entry:
    run = count.last
    last = None if run is None else Latest(run.run, run.name, run.status, run.started_at, run.owner)
    return Entry(found.id, found.name, found.at, found.deleted_at, count.active, count.deleted, last)
