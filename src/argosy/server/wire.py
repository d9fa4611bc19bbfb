"""HTTP/1.1 between the socket and console and API: uvicorn's protocol, with a bound on what it reads unasked."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from argosy.serving.head import BETWEEN, HEAD_LIMIT
from argosy.serving.wire import HEAD_REFUSED, IDLE_SECONDS

_LULL_SECONDS, _LOOK_SECONDS = 60.0, 5.0
"""How long a head may take, or a body pause; how often that is looked at."""
_LEAST_RATE = 1024
"""Bytes a second that a body comes with at least."""


class Wire(HttpToolsProtocol):
    """One connection. A request whose head is above `HEAD_LIMIT` bytes, or what follows its body, is refused and the
    connection closed.

    The parser has no limit of its own; one read of the socket is parsed whole. Bodies wait in the socket until the
    application asks for them. What follows a body is not heeded. Who owes a head, or more of a body, for too long is
    broken off, token or none: each holds one of the files that this process may have open.
    """

    _head = _size = 0
    _in_request = _in_head = _refused = False

    _due = 0.0
    _watch: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client is there."""
        super().connection_made(transport)
        self._due = self.loop.time() + _LULL_SECONDS
        self._watch = self.loop.call_later(_LOOK_SECONDS, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        """It is there no more."""
        if self._watch is not None:
            self._watch.cancel()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """A request begins."""
        self._due = self.loop.time() + _LULL_SECONDS
        self._head, self._size, self._in_request, self._in_head = 0, 0, True, True
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """Its target, or more of it."""
        self._size += len(url)
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """One of its headers."""
        if self._in_head:
            self._size += len(name) + len(value) + BETWEEN
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Its head is whole."""
        self._in_head = False
        if self._size > HEAD_LIMIT:
            self._refuse()
        if not self._refused:
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Some of its body."""
        self._head = 0
        self._due = min(self._due + len(body) / _LEAST_RATE, self.loop.time() + _LULL_SECONDS)
        if not self._refused:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """It is whole."""
        self._in_request, self._due = False, self.loop.time() + IDLE_SECONDS
        if not self._refused:
            super().on_message_complete()

    def data_received(self, data: bytes) -> None:
        """Bytes from the client."""
        if self._in_request:
            self._head += len(data)
        super().data_received(data)
        if self._in_request and self._head > HEAD_LIMIT:
            self._refuse()

    def _look(self) -> None:
        """Break the connection off where the client has owed something for too long."""
        now = self.loop.time()
        answering = not self._in_request and self.cycle is not None and not self.cycle.response_complete
        idle = self.timeout_keep_alive_task is not None  # it ends by itself
        if answering or idle or self.flow.read_paused:
            self._due = now + _LULL_SECONDS
        elif now >= self._due:
            self.transport.abort()
            return
        self._watch = self.loop.call_later(_LOOK_SECONDS, self._look)

    def _refuse(self) -> None:
        """Say that the head is too long, and take nothing more."""
        self._refused = True
        if not self.transport.is_closing():
            self.transport.write(HEAD_REFUSED)
            self.transport.close()


def configured(app: Any, *, drain_seconds: int) -> Config:
    """How an ASGI application is run over this wire, silent about itself.

    Once it is to stop, requests under way have `drain_seconds` to end.
    """
    return Config(
        app,
        http=Wire,
        loop="uvloop",
        ws="none",
        interface="asgi3",
        lifespan="on",
        log_config=None,
        log_level="error",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=IDLE_SECONDS,
        timeout_graceful_shutdown=drain_seconds,
    )
