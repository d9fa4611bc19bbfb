"""Start the server in this process."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from datetime import UTC, datetime

from granian.constants import HTTPModes, Interfaces
from granian.log import LogLevels
from granian.server.embed import Server

from argosy.server import app
from argosy.server.desk import Desk, Planner
from argosy.server.settings import Settings
from argosy.store.store import Store

OnReady = Callable[["Running"], None]


class Running:
    """A server under way; `stop` may be called from any thread."""

    def __init__(self, server: Server, desk: Desk, loop: asyncio.AbstractEventLoop) -> None:
        self._server, self._desk, self._loop = server, desk, loop

    def stop(self) -> None:
        """End open streams, answer what is under way, and return from `serve`; once more does nothing."""
        if self._loop.is_closed():
            return
        self._loop.call_soon_threadsafe(self._stop)

    def _stop(self) -> None:
        self._desk.closing.set()
        self._server.stop()  # type: ignore[no-untyped-call]  # granian does not annotate it


def serve(
    settings: Settings, *, now: Callable[[], datetime] | None = None, planner: Planner | None = None,
    on_ready: OnReady | None = None, signals: bool = True,
) -> None:  # fmt: skip
    """Serve console and API of an existing home until stopped; one process, one event loop, worker threads for pages.

    `signals` makes SIGTERM and SIGINT stop it (only in the main thread); `on_ready` is given the running server as
    soon as it starts to listen. Raises `UnknownError` if the home holds no store.
    """
    with Store.open(settings.home, blobs=settings.blobs, create=False) as store:
        asyncio.run(_serve(store, settings, now or _now, planner, on_ready, signals))


async def _serve(
    store: Store, settings: Settings, now: Callable[[], datetime], planner: Planner | None,
    on_ready: OnReady | None, signals: bool,
) -> None:  # fmt: skip
    guard, desk = app.create(store, settings, now, planner, _now)
    server = Server(
        guard, address=settings.host, port=settings.port, interface=Interfaces.ASGI, websockets=False,
        http=HTTPModes.http1, log_level=LogLevels.warning,
    )  # fmt: skip
    running = Running(server, desk, asyncio.get_running_loop())
    if signals:
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, running.stop)
    if on_ready is not None:
        on_ready(running)
    await server.serve()


def _now() -> datetime:
    return datetime.now(UTC)
