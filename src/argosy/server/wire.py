"""HTTP/1.1 between the socket and console and API: uvicorn's protocol, with a bound on what it reads unasked."""

from __future__ import annotations

from typing import Any

from uvicorn import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from argosy.serving.head import BETWEEN, HEAD_LIMIT
from argosy.serving.wire import HEAD_REFUSED, IDLE_SECONDS


class Wire(HttpToolsProtocol):
    """One connection. A request whose head is above `HEAD_LIMIT` bytes, or what follows its body, is refused and the
    connection closed.

    The parser has no limit of its own; one read of the socket is parsed whole. Bodies wait in the socket until the
    application asks for them. What follows a body is not heeded.
    """

    _head = _size = 0
    _in_request = _in_head = _refused = False

    def on_message_begin(self) -> None:
        """A request begins."""
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
        if not self._refused:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """It is whole."""
        self._in_request = False
        if not self._refused:
            super().on_message_complete()

    def data_received(self, data: bytes) -> None:
        """Bytes from the client."""
        if self._in_request:
            self._head += len(data)
        super().data_received(data)
        if self._in_request and self._head > HEAD_LIMIT:
            self._refuse()

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
