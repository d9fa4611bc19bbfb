"""HTTP/1.1 between the socket and console and API: uvicorn's protocol, with a bound on what it reads unasked."""

from __future__ import annotations

from typing import Any

from uvicorn import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from argosy.serving.wire import HEAD_LIMIT, HEAD_REFUSED, IDLE_SECONDS


class Wire(HttpToolsProtocol):
    """One connection. A request whose head is above `HEAD_LIMIT` bytes, or what follows its body, is refused and the
    connection closed.

    The parser has no limit of its own; one read of the socket is taken whole. Bodies wait in the socket until the
    application asks for them. What follows a body is not heeded.
    """

    _head = 0
    _in_request = _in_head = False

    def on_message_begin(self) -> None:
        """A request begins."""
        self._head, self._in_request, self._in_head = 0, True, True
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """One of its headers."""
        if self._in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Its head is whole."""
        self._in_head = False
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Some of its body."""
        self._head = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """It is whole."""
        self._in_request = False
        super().on_message_complete()

    def data_received(self, data: bytes) -> None:
        """Bytes from the client."""
        if self._in_request:
            self._head += len(data)
        super().data_received(data)
        if self._in_request and self._head > HEAD_LIMIT and not self.transport.is_closing():
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
