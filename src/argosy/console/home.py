"""The first page: every fleet with its counts, pipelines, what is alarming, the datasets, and what happened last."""

from __future__ import annotations

from datetime import datetime

import msgspec
from sqlalchemy import Connection

from argosy.console import facts, svg
from argosy.console.alarm import ranked
from argosy.console.feed import Line, lines
from argosy.console.page import Page
from argosy.controller.pipes import Pipe, pipes
from argosy.controller.standing import summary
from argosy.controller.status import counts
from argosy.spec.fleet import POOLED
from argosy.store import alerts, datasets, declarations


class Fleet(msgspec.Struct, frozen=True):
    """A fleet in the list, with how many of its members have each status; `reason` says the same in words."""

    name: str
    description: str
    owner: str
    members: int
    pooled: bool
    versions: int
    statuses: dict[str, int]
    reason: str
    alerts: int
    served: int


class Table(msgspec.Struct, frozen=True):
    """A dataset in the list."""

    name: str
    number: int
    rows: int
    at: datetime
    owner: str


class HomePage(msgspec.Struct, frozen=True):
    """What the first page shows: the datasets that are declared; `filled` is how many more there are.

    `machine` is the machine's time, by which pipelines run.
    """

    fleets: tuple[Fleet, ...]
    pipelines: tuple[Pipe, ...]
    datasets: tuple[Table, ...]
    filled: int
    alerts: tuple[alerts.Alert, ...]
    events: tuple[Line, ...]
    machine: datetime


def page(conn: Connection, now: datetime, machine: datetime) -> Page:
    """The first page; `machine` is the machine's time, by which pipelines run."""
    data = read(conn, now, machine)
    pictures = {fleet.name: svg.shares(fleet.statuses) for fleet in data.fleets}
    return Page("Fleets", "home.html", data, now, here="fleets", command="argosy get fleets", pictures=pictures)


def read(conn: Connection, now: datetime, machine: datetime) -> HomePage:
    """The snapshot of the first page: a query or two per fleet, none per member."""
    names = [each.name for each in declarations.current(conn, "fleet")]
    raised = ranked(conn)
    owners = {each.name: facts.owner(each.body) for each in declarations.current(conn, "dataset")}
    latest = datasets.latest(conn).values()
    return HomePage(
        tuple(_fleet(conn, name, raised, now) for name in names), tuple(pipes(conn, machine)),
        tuple(Table(v.dataset, v.number, v.rows, v.at, owners[v.dataset]) for v in latest if v.dataset in owners),
        sum(v.dataset not in owners for v in latest), tuple(raised[:6]), tuple(lines(conn, limit=200)[:8]), machine,
    )  # fmt: skip


def _fleet(conn: Connection, name: str, raised: list[alerts.Alert], now: datetime) -> Fleet:
    state = facts.state(conn, name, now)
    table = state.table
    return Fleet(
        name, state.fleet.description, state.fleet.owner, int((table["key"] != POOLED).sum()),
        bool((table["key"] == POOLED).any()), int(table["version_number"].sum() or 0),
        counts(table), summary(conn, state)[1], sum(alert.fleet == name for alert in raised),
        int(table["served"].sum() or 0),
    )  # fmt: skip
