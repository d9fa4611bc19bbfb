"""Computed views: up to which version each is, which were computed under other code alone, and which failed."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from sqlalchemy import Connection

from argosy.controller.action import Materialise
from argosy.controller.wanted import Wanted
from argosy.store import declarations, events, executions
from argosy.store.events import Event


class Computed(msgspec.Struct, frozen=True):
    """Of views, the version of its dataset up to which each was computed under its present code.

    `outdated` are those whose latest rows are of other code or of another declaration; `failed` says why one that has
    no rows under its present code could not be computed since it was declared so.
    """

    materialised: dict[str, int]
    outdated: frozenset[str]
    failed: dict[str, str]


def read(conn: Connection, views: Mapping[str, Wanted]) -> Computed:
    """What became of these views: at most three queries in all."""
    subjects = {Materialise(name, 0, "").subject: name for name in views}
    last = {subjects[subject]: run for subject, run in executions.latest(conn, "materialise", subjects).items()}
    done = {
        name: int(run.parameters["version"])
        for name, run in last.items()
        if run.parameters["fingerprint"] == views[name].fingerprint
    }
    missing = {subject: name for subject, name in subjects.items() if name not in done}
    failures = events.latest(conn, "failed", missing)
    since = {row.name: row for row in declarations.current(conn, "feature_view")} if failures else {}
    failed = {
        name: _says(event)
        for subject, event in failures.items()
        if (name := subjects[subject]) in since
        and since[name].fingerprint == views[name].fingerprint
        and event.at >= since[name].at
    }
    return Computed(done, frozenset(last.keys() - done.keys()), failed)


def _says(event: Event) -> str:
    """The first line of why, and when."""
    headed, _, why = event.message.partition("\n")[0].partition(": ")
    return f"{why or headed} (tried at {event.at:%Y-%m-%d %H:%M}, argosy events says more)"
