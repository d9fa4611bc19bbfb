"""HTTP/1.1 between the socket and the application: uvicorn's protocol, with a bound on what it reads unasked."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from uvicorn import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_LIMIT = 64 * 1024
# Above the idle time of the usual clients and proxies, which must close first.
_KEEP_ALIVE_SECONDS = 75
_REFUSAL = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class Wire(HttpToolsProtocol):
    """One connection. A request whose head is above `HEAD_LIMIT` bytes is refused and the connection closed.

    The parser has no limit of its own; one read of the socket is taken whole. Bodies wait in the socket until the
    application asks for them.
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


class Whole(Wire):
    """One connection of an application that never streams: head and body of an answer leave together.

    A second packet is another system call for each request, and wakes the client twice.
    """

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client has come."""
        super().connection_made(transport)
        self.transport = _Joining(transport)

    def on_response_complete(self) -> None:
        """An answer is whole; one to HEAD has no body that its head could leave with."""
        cast(_Joining, self.transport).flush()
        super().on_response_complete()


class _Joining(asyncio.Transport):
    """Holds the head of an answer until what follows it is written; whatever else it is given passes."""

    def __init__(self, inner: asyncio.Transport) -> None:
        super().__init__()
        self._inner = inner
        self._head = b""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send, or hold."""
        if self._head:
            head, self._head = self._head, b""
            self._inner.write(head + data)
        elif data[:9] == b"HTTP/1.1 " and data[9:10] != b"1":  # an interim answer has no body: a client waits for it
            self._head = bytes(data)
        else:
            self._inner.write(data)

    def flush(self) -> None:
        """Send what is held, unless the client has left."""
        head, self._head = self._head, b""
        if head and not self._inner.is_closing():
            self._inner.write(head)

    def close(self) -> None:
        """Close once all is sent."""
        self.flush()
        self._inner.close()

    def is_closing(self) -> bool:
        """Whether it is closed or about to be."""
        return self._inner.is_closing()

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Give the connection to another protocol."""
        self._inner.set_protocol(protocol)


def configured(app: Any, *, drain_seconds: int, whole: bool = False) -> Config:
    """How both servers of a home run an ASGI application: over this wire, and silent about themselves.

    Once it is to stop, requests under way have `drain_seconds` to end. Where every answer is `whole` it leaves in
    one packet and without a Date.
    """
    return Config(
        app,
        http=Whole if whole else Wire,
        loop="uvloop",
        ws="none",
        interface="asgi3",
        lifespan="on",
        log_config=None,
        log_level="error",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=not whole,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=drain_seconds,
    )
