"""HTTP/1.1 between the socket and the application: uvicorn's protocol, with a bound on what it reads unasked."""

from __future__ import annotations

from typing import Any

from uvicorn import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_LIMIT = 64 * 1024
# Above the idle time of the usual clients and proxies, which must close first.
_KEEP_ALIVE_SECONDS = 75
_REFUSAL = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class Wire(HttpToolsProtocol):
    """One connection. A request whose head is above `HEAD_LIMIT` bytes is refused and the connection closed.

    The parser has no limit of its own; bodies wait in the socket until the application asks for them.
    """

    _head = 0
    _in_head = False

    def on_message_begin(self) -> None:
        """A request begins."""
        self._head, self._in_head = 0, True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Its head is whole."""
        self._in_head = False
        super().on_headers_complete()

    def data_received(self, data: bytes) -> None:
        """Bytes from the client."""
        super().data_received(data)
        if self._in_head:
            self._head += len(data)
            if self._head > HEAD_LIMIT and not self.transport.is_closing():
                self.transport.write(_REFUSAL)
                self.transport.close()


def configured(app: Any, *, drain_seconds: int, date_header: bool = True) -> Config:
    """How both servers of a home run an ASGI application: over this wire, and silent about themselves.

    Once it is to stop, requests under way have `drain_seconds` to end. A Date in each answer costs a little.
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
        date_header=date_header,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=drain_seconds,
    )
