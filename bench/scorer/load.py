"""Load on a server from one thread: latencies are the server's, not those of threads that wait for each other."""

from __future__ import annotations

import selectors
import socket
import time
from dataclasses import dataclass
from typing import Self

import numpy as np
from harness import tree

Reply = tuple[int, bytes]


@dataclass(frozen=True)
class Figure:
    """CPU milliseconds of the server per request, latencies in milliseconds, and requests a second."""

    cpu: float
    p50: float
    p99: float
    rate: float


class Connection:
    """A kept-alive HTTP connection that costs the client little."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), 30)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._rest = b""

    def ask(self, request: bytes) -> Reply:
        """Send one request; status and body of the answer."""
        self.send(request)
        while (reply := self.receive()) is None:
            pass
        return reply

    def send(self, request: bytes) -> None:
        """Send one request."""
        self._socket.sendall(request)

    def receive(self) -> Reply | None:
        """Take what has come; the answer once it is whole."""
        if not (data := self._socket.recv(1 << 18)):
            raise ConnectionError("closed")
        self._rest += data
        end = self._rest.find(b"\r\n\r\n")
        if end < 0:
            return None
        head, last = self._rest[:end].lower(), len(self._rest)
        if b"content-length:" in head:
            last = end + 4 + int(head.split(b"content-length:")[1].split(b"\r\n")[0])
        elif not self._rest.endswith(b"0\r\n\r\n"):  # in chunks
            return None
        if len(self._rest) < last:
            return None
        body, self._rest = self._rest[end + 4 : last], self._rest[last:]
        return int(head.split(b" ", 2)[1]), body

    def fileno(self) -> int:
        """Of its socket."""
        return self._socket.fileno()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._socket.close()


def drive(pid: int, port: int, request: bytes, connections: int, requests: int) -> Figure:
    """Ask a server so many times, each connection once its last answer is there; raises RuntimeError for a refusal."""
    latencies, begun, left = list[float](), dict[int, float](), requests
    open_ = [Connection(port) for _ in range(connections)]
    with selectors.DefaultSelector() as ready:
        cpu, wall = tree(pid), time.perf_counter()
        for each in open_[:left]:
            ready.register(each.fileno(), selectors.EVENT_READ, each)
            begun[each.fileno()] = time.perf_counter()
            each.send(request)
            left -= 1
        while len(latencies) < requests:
            for key, _ in ready.select(30) or _silent():
                reply = key.data.receive()
                if reply is None:
                    continue
                latencies.append(time.perf_counter() - begun[key.fd])
                if reply[0] != 200:
                    raise RuntimeError(f"a request failed: {reply[1][:300]!r}")
                if left:
                    left -= 1
                    begun[key.fd] = time.perf_counter()
                    key.data.send(request)
        cpu, wall = tree(pid) - cpu, time.perf_counter() - wall
    for each in open_:
        each.__exit__()
    p50, p99 = np.quantile(latencies, [0.5, 0.99]) * 1000
    return Figure(cpu / requests * 1000, float(p50), float(p99), requests / wall)


def _silent() -> list[tuple[selectors.SelectorKey, int]]:
    raise RuntimeError("the server has not answered for 30 seconds")
