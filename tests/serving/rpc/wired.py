"""A wire whose service says back what it is told, and clients of it."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from typing import Any

import grpc

from argosy.serving.rpc import frame
from argosy.serving.rpc.frame import PREFACE, Head, Kind
from argosy.serving.rpc.status import Outcome, Status
from argosy.serving.rpc.wire import Service, serve

UNARY, MANY = "/test.Echo/Unary", "/test.Echo/Many"
LIMIT = 8 << 20


class Echo:
    """Says back what it is told: `wait:` later, `big:N` as N bytes, `no` not at all."""

    def __init__(self) -> None:
        self.asked: list[bytes] = []

    def limit(self, head: Head) -> int:
        return LIMIT

    def many(self, head: Head) -> bool:
        return head[b":path"] == MANY.encode()

    def refusal(self, head: Head) -> Outcome | None:
        return Outcome(status=Status.UNAUTHENTICATED, text="who?") if b"stranger" in head else None

    def knows(self, head: Head) -> bool:
        return b"authorization" in head

    def answer(self, head: Head, message: bytes) -> Outcome | Awaitable[Outcome]:
        self.asked.append(message)
        if message == b"no":
            return Outcome(status=Status.NOT_FOUND, text="not here: 100 %")
        if message[:4] == b"big:":
            return Outcome(bytes(int(message[4:])))
        return self._later(message) if message[:5] == b"wait:" else Outcome(message)

    async def _later(self, message: bytes) -> Outcome:
        await asyncio.sleep(0.05)
        return Outcome(message)


class Wired:
    """A server on a thread of its own: `port`, and how to `stop` it."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        self._ready.set()
        await serve(self._service, self._listener, self._stop, drain_seconds=30)

    def start(self) -> None:
        self._thread.start()
        assert self._ready.wait(60)

    def stop(self) -> None:
        """Drain it, and wait until that is done."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(60)
        assert not self._thread.is_alive()

    @contextmanager
    def client(self, **options: Any) -> Iterator[grpc.Channel]:
        """A channel of its own connection."""
        given = [("grpc.use_local_subchannel_pool", 1), ("grpc.max_receive_message_length", -1), *options.items()]
        with grpc.insecure_channel(f"127.0.0.1:{self.port}", options=given) as channel:
            yield channel

    @contextmanager
    def raw(self) -> Iterator[Raw]:
        """A connection that says what a test says."""
        with socket.create_connection(("127.0.0.1", self.port), 10) as connection:
            yield Raw(connection)


class Raw:
    """The bytes of a connection."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection

    def greet(self) -> None:
        self._socket.sendall(PREFACE + frame.settings({}))

    def send(self, *frames: bytes) -> None:
        self._socket.sendall(b"".join(frames))

    def call(self, id: int, *, path: str = UNARY, end: bool = False, **fields: str) -> None:
        """The head of a call."""
        head = {":path": path, "content-type": "application/grpc", **fields}
        block = frame.literals([(name.encode(), value.encode()) for name, value in head.items()])
        flags = frame.END_HEADERS | (frame.END_STREAM if end else 0)
        self.send(frame.frame(Kind.HEADERS, flags, id, block))

    def frames(self) -> list[tuple[int, int, bytes]]:
        """What came until the server closed, as `parsed`."""
        data = b""
        while more := self._more():
            data += more
        return parsed(data)

    def _more(self) -> bytes:
        try:
            return self._socket.recv(65536)
        except ConnectionResetError:
            return b""


def parsed(data: bytes) -> list[tuple[int, int, bytes]]:
    """Kind, stream and payload of each frame; settings and windows are left out."""
    found = []
    while data:
        size = int.from_bytes(data[:3], "big")
        found.append((data[3], int.from_bytes(data[5:9], "big"), data[9 : 9 + size]))
        data = data[9 + size :]
    return [each for each in found if each[0] not in (Kind.SETTINGS, Kind.WINDOW_UPDATE)]
