"""HTTP/1.1 between the socket and the application of the inference server: no task and no copy for a request.

Measured, a request costs half of what it does over uvicorn and ASGI.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections import deque
from collections.abc import Awaitable
from contextlib import suppress
from http import HTTPStatus
from typing import Protocol, cast

import httptools
import msgspec

from argosy.serving.crowd import MOST, Crowd
from argosy.serving.head import HEAD_LIMIT, Draft, Heads
from argosy.serving.request import Call, Refused, Reply, Request, told

# Above the idle time of the usual clients and proxies, which must close first.
IDLE_SECONDS = 75
LULL_SECONDS = 0.1
"""In which, at a stop, arrives what was on its way: connections first, then requests on those that stand idle."""
_MALFORMED = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_WHOLE_SECONDS, _LEAST_RATE = 30.0, 16 * 1024
"""A request must be whole, and an answer taken, in so many seconds, and one more for each so many bytes of its body."""
_SWEEP_SECONDS = 1.0
_STATUS = {each.value: f"{each.value} {each.phrase}".encode() for each in HTTPStatus}
_LONG = Refused(
    431, f"the head of the request has above {HEAD_LIMIT:,} bytes", next="send fewer headers, or a shorter target"
)
_TOO_LONG = told({"error": str(_LONG)}, _LONG.status)
HEAD_REFUSED = b"HTTP/1.1 %b\r\ncontent-type: %b\r\ncontent-length: %d\r\nconnection: close\r\n\r\n%b" % (
    _STATUS[_LONG.status], _TOO_LONG.kind, len(_TOO_LONG.body), _TOO_LONG.body
)  # fmt: skip
"""What is said of a head above `HEAD_LIMIT`, where it is not read to its end."""
_LOG = logging.getLogger("argosy.serving")


class Application(Protocol):
    """What answers the requests of a wire."""

    @property
    def body_limit(self) -> int:
        """Bytes of a body, at most."""
        ...

    def open(self, request: Request) -> Call:
        """What a request is about, by its head alone: a call that is refused needs no body."""
        ...

    def overflow(self, call: Call) -> None:
        """Refuse a call whose body turns out to be above `body_limit`."""
        ...

    def answer(self, call: Call) -> Reply | Awaitable[Reply]:
        """The reply to a call whose body is there; it never raises."""
        ...

    def drain(self) -> None:
        """Be told that the server is about to stop."""
        ...


class Connections(Crowd["Connection"]):
    """The open connections of one server: they end together, and those that stand still too long are closed."""

    def __init__(self, app: Application, loop: asyncio.AbstractEventLoop, most: int = MOST) -> None:
        super().__init__(most)
        self.app, self.loop, self.heads = app, loop, Heads(app.body_limit)
        self.draining = False

    def accept(self) -> Connection:
        """A protocol for a new connection."""
        return Connection(self)

    def sweep(self, now: float) -> None:
        """Close those that stand still; `now` is of the loop's clock."""
        for each in [each for each in self.open if each.deadline < now]:
            each.expire(now)

    def drain(self) -> None:
        """Close the idle ones; the others close once what is under way on them is answered."""
        for each in list(self.open):
            each.finish()


class _Exchange(msgspec.Struct):
    """A request whose head is whole: what came of its body, and whether its answer may leave the connection open."""

    call: Call
    keep: bool
    parts: list[bytes] = []
    size: int = 0
    told: bool = False


class Connection(asyncio.Protocol):
    """One connection. Requests are answered in the order in which they came, one at a time.

    A request that is none, or whose head is above `HEAD_LIMIT` bytes, or what follows its body, is refused and the
    connection closed; the parser has no limit of its own, and one read of the socket is parsed whole. A request that
    its head refuses is answered at once, and its body dropped as it comes. Where requests wait, or a client does not
    take its answers, nothing more is read.
    """

    def __init__(self, among: Connections) -> None:
        self.deadline = among.loop.time() + IDLE_SECONDS
        self._among, self._app, self._loop = among, among.app, among.loop
        self._draft, self._head, self._fresh = Draft(), 0, b""
        self.on_url, self.on_header = self._draft.add_url, self._draft.add_header
        self._parser = httptools.HttpRequestParser(self)
        self._current: _Exchange | None = None
        self._waiting: deque[_Exchange] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self._in_request = self._ending = self._paused = self._known = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client has come."""
        self._transport = cast(asyncio.Transport, transport)
        if (gone := self._among.enter(self)) is not None:
            gone._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """It has left; what is under way ends unheard."""
        self._among.leave(self)
        self._waiting.clear()

    def data_received(self, data: bytes) -> None:
        """Bytes from the client."""
        self._fresh = b""
        if self._in_request:
            self._head += len(data)
        elif not (self._tasks or self._waiting or self._paused or self._ending):
            if (request := self._among.heads.find(data)) is not None:
                self._answer(self._open(request, keep=True))
                return
            self._fresh = data
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self.finish()
        except httptools.HttpParserCallbackError as error:
            _LOG.error("a request failed on the wire", exc_info=error)  # a defect of ours, and of this connection alone
            self.finish(_MALFORMED)
        except httptools.HttpParserError:
            self.finish(_MALFORMED)
        else:
            if self._in_request and self._head > HEAD_LIMIT:
                self.finish(HEAD_REFUSED)
            elif self._current is not None and self._current.call.refusal is not None:
                self._tell(self._current)

    def eof_received(self) -> bool:
        """The client sends no more, and may still listen."""
        self._ending = True
        return bool(self._tasks or self._waiting)

    def pause_writing(self) -> None:
        """The client does not take its answers."""
        self._paused = True
        self._transport.pause_reading()
        self.deadline = self._loop.time() + _WHOLE_SECONDS

    def resume_writing(self) -> None:
        """It does again."""
        self._paused = False
        self._proceed()

    def finish(self, last: bytes = b"") -> None:
        """Close, once what has begun is answered; with `last`, take nothing more, and say so where nothing has."""
        self._ending = True
        if last:
            self._in_request = False
        if self._in_request or self._tasks or self._waiting or self._transport.is_closing():
            return
        if last:
            self._transport.write(last)
        self._transport.close()

    def expire(self, now: float) -> None:
        """Close, unless it is the server who keeps the client waiting."""
        if self._tasks and not self._paused:
            self.deadline = now + _WHOLE_SECONDS
        else:
            self._transport.abort()

    def on_message_begin(self) -> None:
        """A request begins."""
        self._in_request = True
        self._draft.begin()
        self._head = 0
        self.deadline = self._loop.time() + _WHOLE_SECONDS

    def on_headers_complete(self) -> None:
        """Its head is whole."""
        parser, request = self._parser, self._draft.end(self._parser.get_method().decode())
        keep = parser.should_keep_alive() and not parser.should_upgrade() and parser.get_http_version() != "1.0"
        if keep and self._fresh:
            self._among.heads.keep(self._fresh, request)
        self._fresh = b""
        self._current = self._open(request, keep=keep)
        if self._draft.size > HEAD_LIMIT:
            self._current.call.refusal, self._current.keep = _TOO_LONG, False
        if b"expect" not in request.headers or self._tasks or self._waiting:
            return
        if self._current.call.refusal is None:
            self._transport.write(_CONTINUE)
        else:
            self._current.keep, self._current.told = False, True
            self._answer(self._current)

    def _open(self, request: Request, *, keep: bool) -> _Exchange:
        """Ask the application what a request is about."""
        exchange = _Exchange(self._app.open(request), keep)
        if request.caller and not self._known:
            self._known = True
            self._among.know(self)
        return exchange

    def on_body(self, data: bytes) -> None:
        """Some of its body."""
        exchange = self._current
        assert exchange is not None
        self._head = 0
        exchange.size += len(data)
        self.deadline += len(data) / _LEAST_RATE
        if exchange.size > self._app.body_limit:
            if exchange.told:
                self._transport.close()
            elif exchange.call.refusal is None:
                self._app.overflow(exchange.call)
            exchange.keep, exchange.parts = False, []
        elif exchange.call.refusal is None:
            exchange.parts.append(data)

    def on_message_complete(self) -> None:
        """It is whole."""
        exchange = self._current
        assert exchange is not None
        self._current, self._in_request = None, False
        if exchange.told or self._transport.is_closing():
            return
        parts = exchange.parts
        exchange.call.request.body = parts[0] if len(parts) == 1 else b"".join(parts)
        if self._tasks or self._waiting or self._paused:
            self._waiting.append(exchange)
            self._transport.pause_reading()
        else:
            self._answer(exchange)

    def _tell(self, exchange: _Exchange) -> None:
        """Answer a refused request whose body is still coming, unless the connection would close while it does."""
        if exchange.told or self._tasks or self._waiting:
            return
        if exchange.keep or exchange.size > self._app.body_limit:
            exchange.told = True
            self._answer(exchange)

    def _answer(self, exchange: _Exchange) -> None:
        found = self._app.answer(exchange.call)
        if isinstance(found, Reply):
            self._send(exchange, found)
        else:
            self._tasks.add(self._loop.create_task(self._await(exchange, found)))

    async def _await(self, exchange: _Exchange, found: Awaitable[Reply]) -> None:
        self._send(exchange, await found)
        self._tasks.clear()
        self._proceed()

    def _proceed(self) -> None:
        """Answer who waits, and read on where nobody does."""
        while self._waiting and not self._tasks and not self._paused:
            self._answer(self._waiting.popleft())
        if self._waiting or self._tasks or self._paused:
            return
        if self._ending and not self._in_request:
            self._transport.close()
        elif not self._transport.is_closing():
            self._transport.resume_reading()

    def _send(self, exchange: _Exchange, reply: Reply) -> None:
        """Head and body in one packet: a second one is another system call, and wakes the client twice."""
        transport = self._transport
        if transport.is_closing():
            return
        last = not self._waiting and (self._ending or self._among.draining)
        body, keep = reply.body, exchange.keep and not last
        more = b"".join([b"%b: %b\r\n" % each for each in reply.headers]) if reply.headers else b""
        head = b"HTTP/1.1 %b\r\ncontent-type: %b\r\ncontent-length: %d\r\n%b%b\r\n" % (
            _STATUS[reply.status], reply.kind, len(body), more, b"" if keep else b"connection: close\r\n"
        )  # fmt: skip
        transport.write(head if exchange.call.request.method == "HEAD" else head + body)
        if keep:
            self.deadline = self._loop.time() + IDLE_SECONDS
        else:
            self._waiting.clear()
            transport.close()


async def serve(
    app: Application, listener: socket.socket, stop: asyncio.Event, *, drain_seconds: float,
    notice_seconds: float = 0.0, most: int = MOST,
) -> None:  # fmt: skip
    """Answer the connections of a listening socket until `stop` is set.

    For `notice_seconds` from then on all are still answered, new ones too, and each is told to close; whoever sends
    requests here has so long to learn that this server is about to stop. Then no new ones are taken, and once what was
    on its way has had `LULL_SECONDS` to come, the idle ones are closed; requests under way have `drain_seconds` to end.
    """
    loop = asyncio.get_running_loop()
    connections = Connections(app, loop, most)
    server = await loop.create_server(connections.accept, sock=listener)
    while not stop.is_set():
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), _SWEEP_SECONDS)
        connections.sweep(loop.time())
    app.drain()
    connections.draining = True
    await asyncio.sleep(notice_seconds + LULL_SECONDS)
    server.close()
    await connections.emptied(LULL_SECONDS)
    connections.drain()
    await connections.emptied(drain_seconds)
