"""Server-sent events: facts as they are recorded, and the parts of a page that change."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from typing import Any

import msgspec
from litestar import Request, get
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import ServerSentEvent, ServerSentEventMessage
from sqlalchemy import Connection

from argosy import console
from argosy.console import words
from argosy.errors import DeniedError, InputError
from argosy.server import secret
from argosy.server.desk import Desk
from argosy.store import resources
from argosy.store.tracking import search

_BEAT = 15
"""Looks at the store after which a silent stream says that it is alive."""

Messages = AsyncIterator[ServerSentEventMessage]
Parts = dict[str, str]
Look = Callable[[Connection], Parts]


@get("/api/watch", sync_to_thread=False)
def facts(
    desk: NamedDependency[Desk],
    request: Request[Any, Any, Any],
    kind: FromQuery[str] = "events",
    after: FromQuery[int | None] = None,
) -> ServerSentEvent:
    """Facts of a kind recorded after the id `after` (default: from now on), each with its id.

    A client that comes back with `Last-Event-ID` misses nothing.
    """
    if kind == "tokens" and request.auth.role != secret.ADMIN:
        raise DeniedError("tokens are for the role admin", next="ask for a token with the role admin")
    last = request.headers.get("last-event-id", "")
    if last and not (last.isascii() and last.isdigit()):
        raise InputError(f"Last-Event-ID is {last[:20]!r}", next="send the id of an event of this stream")
    start = int(last) if last else after
    with desk.store.read() as conn:
        resources.watch(conn, kind, 0, limit=1)
        if start is None:
            newest = resources.page(conn, kind, limit=1).items
            start = newest[0]["id"] if newest else 0
    return ServerSentEvent(_facts(desk, kind, start), headers={"cache-control": "no-store"})


@get("/fleets/{name:str}/live", sync_to_thread=False)
def fleet(
    desk: NamedDependency[Desk],
    name: FromPath[str],
    q: FromQuery[str] = "",
    sort: FromQuery[str] = "status",
    page: FromQuery[int] = 1,
) -> ServerSentEvent:
    """The rows, chips and map of a fleet's page as they change."""

    def look(conn: Connection) -> Parts:
        return console.live.of_fleet(conn, name, desk.now(), q=q, sort=sort, number=page)

    return ServerSentEvent(_parts(desk, look), headers={"cache-control": "no-store"})


@get("/events/live", sync_to_thread=False)
def events(desk: NamedDependency[Desk], where: FromQuery[str] = "") -> ServerSentEvent:
    """The newest events as they come."""

    def look(conn: Connection) -> Parts:
        return console.live.of_events(conn, desk.now(), where=where)

    return ServerSentEvent(_parts(desk, look), headers={"cache-control": "no-store"})


@get("/alerts/live", sync_to_thread=False)
def alerts(desk: NamedDependency[Desk], fleet: FromQuery[str] = "") -> ServerSentEvent:
    """The alerts as they come and go."""

    def look(conn: Connection) -> Parts:
        return console.live.of_alerts(conn, desk.now(), name=fleet)

    return ServerSentEvent(_parts(desk, look), headers={"cache-control": "no-store"})


@get("/runs/live", sync_to_thread=False)
def runs(
    desk: NamedDependency[Desk],
    where: FromQuery[str] = "",
    id: FromQuery[int | None] = None,
    node: FromQuery[str] = "",
    element: FromQuery[int | None] = None,
    q: FromQuery[str] = "",
    page: FromQuery[int] = 1,
) -> ServerSentEvent:
    """The runs that meet a filter as they come and go, one run as it goes on, or a step of it."""

    def look(conn: Connection) -> Parts:
        if id is not None and node:
            return console.live.of_step(
                conn, desk.store, id, node, desk.machine(), element=element, query=q, number=page
            )  # fmt: skip
        if id is not None:
            return console.live.of_run(conn, desk.store, id, desk.machine())
        return console.live.of_runs(conn, desk.machine(), where=where)

    def mark(conn: Connection) -> tuple[object, ...]:
        return console.trail.progress(conn, desk.machine())

    stream = _parts(desk, look, mark, desk.machine)
    return ServerSentEvent(stream, headers={"cache-control": "no-store"})


@get("/experiments/live", sync_to_thread=False)
def experiments(
    desk: NamedDependency[Desk],
    id: FromQuery[int | None] = None,
    where: FromQuery[str] = "",
    sort: FromQuery[str] = "",
    columns: FromQuery[str] = "",
    view: FromQuery[str] = search.ACTIVE,
) -> ServerSentEvent:
    """The experiments as runs begin in them, or the runs of one as they go on."""
    asked = console.experiment.Asked(where=where, sort=sort, columns=columns, view=view)

    def look(conn: Connection) -> Parts:
        if id is not None:
            return console.live.of_experiment(conn, id, desk.machine(), asked)
        return console.live.of_experiments(conn, desk.machine(), where=where, view=view)

    stream = _parts(desk, look, console.trail.logged, desk.machine)
    return ServerSentEvent(stream, headers={"cache-control": "no-store"})


@get("/tracked/{name:str}/live", sync_to_thread=False)
def tracked_run(
    desk: NamedDependency[Desk],
    name: FromPath[str],
    keys: FromQuery[str] = "",
    parameter: FromQuery[str] = "",
    metric: FromQuery[str] = "",
    curve: FromQuery[str] = "",
    smooth: FromQuery[float] = 0.0,
) -> ServerSentEvent:
    """A tracked run as it goes on."""
    asked = console.tracked.Asked(keys=keys, parameter=parameter, metric=metric, curve=curve, smooth=smooth)

    def look(conn: Connection) -> Parts:
        return console.live.of_tracked(conn, desk.store, name, desk.machine(), asked)

    stream = _parts(desk, look, console.trail.logged, desk.machine)
    return ServerSentEvent(stream, headers={"cache-control": "no-store"})


async def _facts(desk: Desk, kind: str, after: int) -> Messages:
    def new() -> list[dict[str, Any]]:
        with desk.store.read() as conn:
            return resources.watch(conn, kind, after)

    with desk.stream():
        silent = 0
        while True:
            found = await asyncio.to_thread(new)
            for item in found:
                after = item["id"]
                yield ServerSentEventMessage(data=msgspec.json.encode(item).decode(), event="fact", id=after)
            silent = 0 if found else silent + 1
            if silent % _BEAT == 1:
                yield ServerSentEventMessage(comment="alive")
            if not await desk.pause():
                return


async def _parts(
    desk: Desk, look: Look, mark: Callable[[Connection], tuple[object, ...]] | None = None,
    clock: Callable[[], datetime] | None = None,
) -> Messages:  # fmt: skip
    """First what differs from nothing is only noted: the page was just sent. Then what changed, part by part.

    Nothing is looked at while `mark` stays the same, that of all facts unless given. The page's time is that of
    `clock`, the desk's unless given.
    """
    sent: dict[str, int] = {}
    last: tuple[object, ...] | None = None

    def changed() -> Parts:
        nonlocal last
        with desk.store.read() as conn:
            seen = (mark or console.trail.mark)(conn)
            if seen == last:
                return {}
            first, last = last is None, seen
            found = console.live.changes(look(conn), sent)
            return {} if first else found

    with desk.stream():
        silent = 0
        while True:
            found = await asyncio.to_thread(changed)
            now = f"{words.moment((clock or desk.now)())} UTC"
            for name, html in found.items():
                data = msgspec.json.encode({"id": name, "html": html, "now": now}).decode()
                yield ServerSentEventMessage(data=data, event="part")
            silent = 0 if found else silent + 1
            if silent % _BEAT == 1:
                yield ServerSentEventMessage(comment="alive")
            if not await desk.pause():
                return
