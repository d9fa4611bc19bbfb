"""One of two workers of the inference server is killed under load: others notice nothing, and little is lost."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import polars as pl
import pytest

from tests.serving.conftest import Fixture, fleet
from tests.serving.served import URL, body, tensor
from tests.serving.test_server import GIVEN, TOKEN, Running

__all__ = ["fleet"]

CLIENTS, PATIENCE = 6, 120.0


class Client(threading.Thread):
    """Asks for one row after another on a connection that it keeps, and opens anew where it breaks."""

    def __init__(self, name: str, port: int, stop: threading.Event) -> None:
        super().__init__(name=name)
        self.acknowledged: dict[str, float] = {}
        self.broken: list[float] = []
        self.refused: list[bytes] = []
        self._port, self._stop_ = port, stop

    def run(self) -> None:
        number = 0
        while not self._stop_.is_set():
            try:
                with socket.create_connection(("127.0.0.1", self._port), 60) as link:
                    while not self._stop_.is_set():
                        number += 1
                        self._ask(link, f"{self.name}-{number}")
            except OSError:
                self.broken.append(time.time())

    def _ask(self, link: socket.socket, row: str) -> None:
        data = msgspec.json.encode(body(**GIVEN, flight=tensor("flight", "BYTES", [row])))
        head = f"POST {URL} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {TOKEN}\r\n"
        link.sendall((head + f"Content-Length: {len(data)}\r\n\r\n").encode() + data)
        answer = link.recv(1 << 16)
        if not answer:
            raise ConnectionError("closed")
        if answer.startswith(b"HTTP/1.1 200 "):
            self.acknowledged[row] = time.time()
        else:
            self.refused.append(answer)


class Segment(msgspec.Struct, frozen=True):
    """A segment as its name tells of it: when its writing began, in seconds, and the worker that wrote it."""

    at: float
    worker: int
    rows: list[str]


def segments(server: Running) -> Iterator[Segment]:
    """Those that are whole, each worker's in the order in which it wrote them."""
    for path in sorted(Path(server.home, "predictions").rglob("*.arrow")):
        at, _, worker, _ = path.stem.split("-")
        yield Segment(int(at) / 1000, int(worker), pl.read_ipc(path)["row_key"].to_list())


def asked(found: list[Segment]) -> set[str]:
    """The clients whose rows these hold."""
    return {row.partition("-")[0] for segment in found for row in segment.rows}


def eventually(check: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not check():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.fault
@pytest.mark.slow
@pytest.mark.parametrize("durable", [False, True])
def test_a_killed_worker_costs_what_was_in_flight_there_and_no_more_than_the_bound(
    fleet: Fixture, durable: bool
) -> None:
    server = Running(fleet.store.home, workers=2, durable=durable)
    stop = threading.Event()
    clients = [Client(f"c{number}", server.port, stop) for number in range(CLIENTS)]
    try:
        for client in clients:
            client.start()
        eventually(lambda: len(asked(list(segments(server)))) == CLIENTS)
        victim = next(segments(server)).worker
        eventually(lambda: sum(each.worker == victim for each in segments(server)) > 2)
        before = time.time()
        os.kill(victim, signal.SIGKILL)
        eventually(lambda: not Path(f"/proc/{victim}").exists())
        killed = time.time()
        eventually(lambda: all(max(client.acknowledged.values()) > killed for client in clients))
        stop.set()
        for client in clients:
            client.join()
        assert server.stop() == 0
    finally:
        stop.set()
        server.stop()
        server.client.close()
    assert [client.refused for client in clients] == [[]] * CLIENTS
    written = list(segments(server))
    its = [each for each in written if each.worker == victim]
    broken = {client.name: client.broken for client in clients if client.broken}
    assert broken.keys() <= asked(its) and all(len(each) == 1 and each[0] >= before for each in broken.values())
    acknowledged = {row: at for client in clients for row, at in client.acknowledged.items()}
    lost = {row: acknowledged[row] for row in acknowledged.keys() - {row for each in written for row in each.rows}}
    if durable:
        assert lost == {}
    # A write that began last but one took every row answered until then; one interval and one write later the last
    # began. So what is lost is no older than those two, however long a busy machine took for them.
    assert all(at >= its[-2].at for at in lost.values()), (its[-2].at, lost)
