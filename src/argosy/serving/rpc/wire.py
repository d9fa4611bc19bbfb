"""gRPC between the socket and the service: unary calls and streams over HTTP/2, on the event loop of the other doors.

Measured beside grpcio's servers, it costs less than half: no thread and no task stands between a call and its answer.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Iterable
from contextlib import suppress
from typing import Protocol, cast

from argosy.serving.crowd import MOST, Crowd
from argosy.serving.rpc import frame
from argosy.serving.rpc.flow import DEFAULT_WINDOW, Flow
from argosy.serving.rpc.frame import Broken, Code, Head, Heads, Kind
from argosy.serving.rpc.reader import Reader
from argosy.serving.rpc.status import Outcome, Status
from argosy.serving.rpc.stream import WINDOW, Stream, Unfit
from argosy.serving.wire import LULL_SECONDS

MAX_STREAMS = 100
"""Calls at once on one connection."""
IDLE_SECONDS = 300
_WHOLE_SECONDS, _LEAST_RATE = 30.0, 16 * 1024
"""A request must be whole, and an answer taken, in so many seconds, and one more for each so many bytes of it."""
_CONNECTION_WINDOW = 16 << 20
_HELD = 4
"""Messages as large as they may be, that one connection may have under way."""
_SWEEP_SECONDS = 1.0
_GREETING = frame.settings(
    {frame.MAX_STREAMS: MAX_STREAMS, frame.INITIAL_WINDOW: WINDOW, frame.HEAD_SIZE: frame.HEAD_LIMIT}
) + frame.frame(Kind.WINDOW_UPDATE, 0, 0, (_CONNECTION_WINDOW - DEFAULT_WINDOW).to_bytes(4, "big"))
_OF_OTHERS = b"\x08\x03415" + frame.literals([(b"grpc-status", b"3")])
_LATE = Outcome(status=Status.DEADLINE_EXCEEDED, text="the request did not become whole in time")
_STOPPING = Outcome(status=Status.UNAVAILABLE, text="this server is about to stop\n  next: connect again")
_BROKEN_OFF = Outcome(status=Status.INVALID_ARGUMENT, text="the call ends before its message is whole")


class Service(Protocol):
    """What answers the calls of a wire. Nothing here raises."""

    def limit(self, head: Head) -> int:
        """Bytes of a message of a call, at most."""
        ...

    def many(self, head: Head) -> bool:
        """Whether a call is a stream of messages on both sides."""
        ...

    def refusal(self, head: Head) -> Outcome | None:
        """Why a call is refused by its head alone, if it is."""
        ...

    def knows(self, head: Head) -> bool:
        """Whether a call that is not refused is that of somebody who is known."""
        ...

    def answer(self, head: Head, message: bytes) -> Outcome | Awaitable[Outcome]:
        """What comes of one message of a call."""
        ...


class Connections(Crowd["Connection"]):
    """The open connections of one server: they end together, and what stands still too long is closed."""

    def __init__(self, service: Service, loop: asyncio.AbstractEventLoop, most: int = MOST) -> None:
        super().__init__(most)
        self.service, self.loop = service, loop

    def accept(self) -> Connection:
        """A protocol for a new connection."""
        return Connection(self)

    def sweep(self, now: float) -> None:
        """End what stands still; `now` is of the loop's clock."""
        for each in list(self.open):
            each.sweep(now)

    def drain(self, *, soon: bool = False) -> None:
        """Take no more calls; connections close once what is under way is answered. Or say that it is `soon`."""
        for each in list(self.open):
            each.drain(soon)


class Connection(asyncio.Protocol):
    """One connection. Whatever breaks HTTP/2 ends it; whatever breaks gRPC ends the call that it is in."""

    def __init__(self, among: Connections) -> None:
        self._among, self._service, self._loop = among, among.service, among.loop
        self._reader, self._heads, self._flow = Reader(), Heads(), Flow()
        self._streams: dict[int, Stream] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._last = self._taken = 0
        self._ending = self._paused = self._known = False
        self._deadline = self._loop.time() + _WHOLE_SECONDS

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client has come."""
        self._transport = cast(asyncio.Transport, transport)
        if (gone := self._among.enter(self)) is not None:
            gone._transport.abort()
        if gone is not self:
            self._transport.write(_GREETING)

    def connection_lost(self, exc: Exception | None) -> None:
        """It has left; what is under way ends unheard."""
        self._among.leave(self)
        self._streams.clear()

    def data_received(self, data: bytes) -> None:
        """Bytes from the client."""
        try:
            for kind, flags, id, payload in self._reader.feed(data):
                self._take(kind, flags, id, payload)
        except Broken as broken:
            self._end(broken.code)
        self._flush()

    def pause_writing(self) -> None:
        """The client does not take its answers."""
        self._paused = True
        self._transport.pause_reading()
        self._deadline = self._loop.time() + _WHOLE_SECONDS

    def resume_writing(self) -> None:
        """It does again."""
        self._paused = False
        self._transport.resume_reading()
        self._deadline = self._loop.time() + IDLE_SECONDS

    def sweep(self, now: float) -> None:
        """End calls that stand still, and the connection where it does."""
        if self._deadline < now and (self._paused or self._transport.is_closing()):
            self._transport.abort()
            return
        for stream in [each for each in self._streams.values() if each.due < now and not each.busy]:
            if stream.out:
                self._flow.put(Kind.RST_STREAM, 0, stream.id, Code.CANCEL)
                del self._streams[stream.id]
            elif not stream.many:
                self._finish(stream, _LATE)
        if not self._streams and self._deadline < now:
            self._end(Code.NO_ERROR)
        self._flush()

    def drain(self, soon: bool) -> None:
        """Take no more calls, and close once those under way are answered.

        Where it is `soon`, send the client elsewhere with its next calls, and take what is on its way.
        """
        if soon:
            self._flow.put(Kind.GOAWAY, 0, 0, frame.MAX_WINDOW, Code.NO_ERROR)
        else:
            self._end(Code.NO_ERROR)
            for stream in [each for each in self._streams.values() if each.many]:
                self._finish(stream, _STOPPING)
        self._flush()

    def _end(self, code: Code) -> None:
        """Say goodbye; after an error nothing that is under way matters any more."""
        self._ending = True
        self._flow.put(Kind.GOAWAY, 0, 0, self._last, code)
        if code != Code.NO_ERROR:
            self._streams.clear()

    def _flush(self) -> None:
        """Send what there is in one packet, and close where all is said."""
        if self._transport.is_closing():
            return
        if self._flow.out:
            self._transport.write(b"".join(self._flow.out))
            self._flow.out.clear()
        if self._ending and not self._streams:
            self._transport.close()

    def _take(self, kind: int, flags: int, id: int, payload: bytes) -> None:
        """One frame."""
        if kind == Kind.DATA:
            self._data(flags, id, payload)
        elif kind == Kind.HEADERS:
            self._call(flags, id, self._heads.read(payload))
        elif kind == Kind.WINDOW_UPDATE:
            self._allow(id, _number(payload) & frame.MAX_WINDOW)
        elif kind == Kind.SETTINGS and not flags & frame.ACK:
            self._flow.heed(payload, self._streams.values())
            self._allow(0)
        elif kind == Kind.PING and not flags & frame.ACK:
            if len(payload) != 8:
                raise Broken(Code.FRAME_SIZE_ERROR)
            self._flow.out.append(frame.frame(Kind.PING, frame.ACK, 0, payload))
        elif kind == Kind.RST_STREAM:
            _number(payload)
            self._streams.pop(id, None)
        elif kind == Kind.GOAWAY:
            self._ending = True
        elif kind == Kind.PUSH_PROMISE:
            raise Broken(Code.PROTOCOL_ERROR)

    def _call(self, flags: int, id: int, head: Head) -> None:
        """A call begins, or a client ends one as servers do."""
        if id % 2 == 0:  # the connection itself, or a call that a server would begin
            raise Broken(Code.PROTOCOL_ERROR)
        if id <= self._last:
            known = self._streams.get(id)
            if known is not None and flags & frame.END_STREAM:
                known.ended = True
                self._proceed(known)
            return
        self._last = id
        if self._ending or max(len(self._streams), len(self._tasks)) >= MAX_STREAMS:
            self._flow.put(Kind.RST_STREAM, 0, id, Code.REFUSED_STREAM)
            return
        due = self._loop.time() + _WHOLE_SECONDS
        stream = self._streams[id] = Stream(id, head, self._flow.initial, due, many=self._service.many(head))
        stream.ended = bool(flags & frame.END_STREAM)
        if not head.get(b"content-type", b"").startswith(b"application/grpc"):
            stream.told, stream.trailers = True, _OF_OTHERS
            self._send(stream)
        elif (refusal := self._service.refusal(head)) is not None:
            self._finish(stream, refusal)
        else:
            if not self._known and self._service.knows(head):
                self._known = True
                self._among.know(self)
            if stream.ended:
                self._proceed(stream)

    def _data(self, flags: int, id: int, payload: bytes) -> None:
        """Some of a message, or several."""
        size = len(payload)
        self._taken += size
        if self._taken >= _CONNECTION_WINDOW // 2:
            self._flow.put(Kind.WINDOW_UPDATE, 0, 0, self._taken)
            self._taken = 0
        stream = self._streams.get(id)
        if stream is None or stream.ended:
            if stream is not None or id > self._last or id % 2 == 0:
                raise Broken(Code.PROTOCOL_ERROR)
            return
        stream.taken += size
        stream.due += size / _LEAST_RATE
        if stream.taken > WINDOW:
            raise Broken(Code.FLOW_CONTROL_ERROR)
        if flags & frame.PADDED:
            payload = frame.stripped(frame.PADDED, payload)
        stream.ended = bool(flags & frame.END_STREAM)
        if stream.trailers is None:
            limit = self._service.limit(stream.head)
            try:
                stream.take(payload, limit)
                if len(stream.partial) > WINDOW:
                    _check_held(self._streams.values(), _HELD * limit)
            except Unfit as unfit:
                self._finish(stream, unfit.outcome)
        self._proceed(stream)

    def _allow(self, id: int, more: int | None = None) -> None:
        """The client takes more bytes, of one answer or of all; None: as its settings say."""
        stream = self._streams.get(id)
        if id != 0 and stream is None:
            return
        if more is not None:
            self._flow.widen(more, stream)
        for each in [stream] if stream is not None else [each for each in self._streams.values() if each.out]:
            self._send(each)
            self._proceed(each)

    def _proceed(self, stream: Stream) -> None:
        """Answer the next message that is whole, or end the call after the last."""
        if stream.busy or stream.out or stream.trailers is not None:
            return
        try:
            message = stream.next(self._service.limit(stream.head)) if stream.many or stream.ended else None
        except Unfit as unfit:
            self._finish(stream, unfit.outcome)
            return
        if message is not None:
            stream.busy = True
            found = self._service.answer(stream.head, message)
            if isinstance(found, Outcome):
                self._answered(stream, found)
            else:
                self._tasks.add(self._loop.create_task(self._await(stream, found)))
        elif not stream.ended:
            if stream.taken >= WINDOW // 2:
                self._flow.put(Kind.WINDOW_UPDATE, 0, stream.id, stream.taken)
                stream.taken = 0
        elif stream.partial or not stream.many:
            self._finish(stream, _BROKEN_OFF)
        else:
            self._finish(stream, Outcome())

    async def _await(self, stream: Stream, found: Awaitable[Outcome]) -> None:
        outcome = await found
        self._tasks.discard(cast("asyncio.Task[None]", asyncio.current_task()))
        self._answered(stream, outcome)
        self._flush()

    def _answered(self, stream: Stream, outcome: Outcome) -> None:
        stream.busy = False
        if stream.trailers is not None or stream.id not in self._streams:
            return
        stream.due = self._loop.time() + _WHOLE_SECONDS
        if outcome.message is not None:
            stream.answer(outcome.message)
        if outcome.message is None or not stream.many:
            self._finish(stream, outcome)
        else:
            self._send(stream)
            self._loop.call_soon(self._again, stream)  # others have their turn between two messages of a stream

    def _again(self, stream: Stream) -> None:
        if stream.id in self._streams:
            self._proceed(stream)
            self._flush()

    def _finish(self, stream: Stream, outcome: Outcome) -> None:
        stream.finish(outcome)
        self._send(stream)

    def _send(self, stream: Stream) -> None:
        """Send what the client takes; a call whose last bytes that were is over."""
        if self._flow.pump(stream):
            del self._streams[stream.id]
            self._deadline = self._loop.time() + IDLE_SECONDS
            if not stream.ended:
                self._flow.put(Kind.RST_STREAM, 0, stream.id, Code.NO_ERROR)


async def serve(
    service: Service, listener: socket.socket, stop: asyncio.Event, *, drain_seconds: float,
    notice_seconds: float = 0.0, most: int = MOST,
) -> None:  # fmt: skip
    """Answer the connections of a listening socket until `stop` is set, and for `notice_seconds` from then on.

    Then no new ones are taken, and once what was on its way has had `LULL_SECONDS` to come, no more calls; those under
    way have `drain_seconds` to end.
    """
    loop = asyncio.get_running_loop()
    connections = Connections(service, loop, most)
    server = await loop.create_server(connections.accept, sock=listener)
    while not stop.is_set():
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), _SWEEP_SECONDS)
        connections.sweep(loop.time())
    await asyncio.sleep(notice_seconds + LULL_SECONDS)
    server.close()
    connections.drain(soon=True)
    await connections.emptied(LULL_SECONDS)
    connections.drain()
    await connections.emptied(drain_seconds)


def _number(payload: bytes) -> int:
    if len(payload) != 4:
        raise Broken(Code.FRAME_SIZE_ERROR)
    return int.from_bytes(payload, "big")


def _check_held(streams: Iterable[Stream], limit: int) -> None:
    if sum(len(each.partial) for each in streams) > limit:
        raise Unfit(Status.RESOURCE_EXHAUSTED, "too much is under way on this connection\n  next: ask again")
