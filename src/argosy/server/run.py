"""Start the server in this process."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta

import uvicorn
import uvloop

from argosy.server import app
from argosy.server.collector import Collector
from argosy.server.desk import Desk
from argosy.server.settings import Settings
from argosy.server.wire import configured
from argosy.serving.watch import listen
from argosy.store.batch import Batch
from argosy.store.store import Store

# Less than `argosy up` waits for a child before it kills it.
_DRAIN_SECONDS = 5
OnReady = Callable[["Running"], None]


class Running:
    """A server under way; `stop` may be called from any thread."""

    def __init__(self, server: uvicorn.Server, desk: Desk, loop: asyncio.AbstractEventLoop) -> None:
        self._server, self._desk, self._loop = server, desk, loop

    def stop(self) -> None:
        """End open streams, answer what is under way, and return from `serve`; once more does nothing."""
        if self._loop.is_closed():
            return
        self._loop.call_soon_threadsafe(self._stop)

    def _stop(self) -> None:
        self._desk.closing.set()
        self._server.should_exit = True


class _Server(uvicorn.Server):
    """It leaves signals alone: what they do is said by `serve`."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def serve(
    settings: Settings, *, now: Callable[[], datetime] | None = None, on_ready: OnReady | None = None,
    signals: bool = True,
) -> None:  # fmt: skip
    """Serve console and API of an existing home until stopped; one process, one event loop, worker threads for pages.

    `signals` makes SIGTERM and SIGINT stop it (only in the main thread); `on_ready` is given the running server as
    soon as it listens. Raises `UnknownError` if the home holds no store, `ConflictError` if its address cannot be had.
    """
    with (
        Store.open(settings.home, blobs=settings.blobs, create=False) as store,
        closing(listen(settings.host, settings.port)) as listener,
        closing(Batch(store)) as batch,
        closing(Collector(store, timedelta(days=settings.trash_days), _now)),
    ):
        uvloop.run(_serve(store, batch, settings, now or _now, on_ready, signals, listener))


async def _serve(
    store: Store, batch: Batch, settings: Settings, now: Callable[[], datetime], on_ready: OnReady | None,
    signals: bool, listener: socket.socket,
) -> None:  # fmt: skip
    guard, desk = app.create(store, settings, now, _now, batch)
    server = _Server(configured(guard, drain_seconds=_DRAIN_SECONDS))
    running = Running(server, desk, asyncio.get_running_loop())
    if signals:
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, running.stop)
    if on_ready is not None:
        on_ready(running)
    await server.serve(sockets=[listener])


def _now() -> datetime:
    return datetime.now(UTC)
