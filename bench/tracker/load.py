"""Calls made by several threads at once, and what they cost the server."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from tracker.client import Client
from tracker.server import Server

_QUIET_SECONDS, _LOOK_SECONDS, _TICKS = 10, 0.3, 0.02


@dataclass(frozen=True)
class Figure:
    """One measured figure of a case; `more` says that more of it is better."""

    case: str
    unit: str
    value: float
    more: bool = False


@dataclass(frozen=True)
class Load:
    """What calls cost: milliseconds of CPU a call of the server and of its database, latencies, and calls a second."""

    cpu: float
    database: float
    p50: float
    p95: float
    rate: float

    def figures(self, case: str, server: Server, *, rate: str = "calls/s") -> Iterator[Figure]:
        """All of it but the 95th percentile."""
        yield from self.spent(case, server)
        yield Figure(case, "p50 ms", self.p50)
        yield Figure(case, rate, self.rate, more=True)

    def spent(self, case: str, server: Server) -> Iterator[Figure]:
        """The CPU: of the server, and of the database where that is a process of its own."""
        yield Figure(case, "CPU ms", self.cpu)
        if server.database:
            yield Figure(case, "CPU ms of the database", self.database)


def drive(server: Server, threads: int, calls: int, work: Callable[[Client, int], object]) -> Load:
    """Make `calls` calls, each a `work(client, number)`, evenly by so many threads with a connection of their own.

    What a call raises is raised here.
    """

    def some(first: int) -> list[float]:
        took = []
        with Client(server) as client:
            for number in range(first, calls, threads):
                begun = time.perf_counter()
                work(client, number)
                took.append(time.perf_counter() - begun)
        return took

    meter, begun = Meter(server), time.perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        took = [each for times in pool.map(some, range(threads)) for each in times]
    wall = time.perf_counter() - begun
    cpu, database = meter.read()
    p50, p95 = np.quantile(took, [0.5, 0.95]) * 1e3
    return Load(cpu / calls * 1e3, database / calls * 1e3, float(p50), float(p95), calls / wall)


class Meter:
    """CPU of a server from now on, without what it spends while nobody asks it anything."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._cpu, self._database, self._begun = _quiet(server), server.database_cpu, time.monotonic()

    def read(self) -> tuple[float, float]:
        """Seconds of the server and of its database, once it does nothing more: what it left for later counts."""
        cpu = _quiet(self._server) - self._cpu - self._server.idle * (time.monotonic() - self._begun)
        return max(0.0, cpu), self._server.database_cpu - self._database


def _quiet(server: Server) -> float:
    """CPU seconds of the server once it spends no more than it does at rest."""
    until, before = time.monotonic() + _QUIET_SECONDS, server.cpu
    while time.monotonic() < until:
        time.sleep(_LOOK_SECONDS)
        now = server.cpu
        if now - before <= server.idle * _LOOK_SECONDS + _TICKS:
            return now
        before = now
    return before
