"""One of two workers of the inference server is killed under load: others notice nothing, and little is lost."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from pathlib import Path

import msgspec
import pytest

from tests.serving.conftest import Fixture, fleet
from tests.serving.served import URL, body, tensor
from tests.serving.test_server import GIVEN, TOKEN, Running

__all__ = ["fleet"]

CLIENTS, FLUSH, WRITE = 6, 0.2, 1.0
"""`WRITE`: seconds that a busy machine may take to write a segment; the recorder's bound is that and the interval."""


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
                with socket.create_connection(("127.0.0.1", self._port), 20) as link:
                    while not self._stop_.is_set():
                        number += 1
                        self._ask(link, f"{self.name}-{number}")
            except OSError:
                self.broken.append(time.monotonic())

    def _ask(self, link: socket.socket, row: str) -> None:
        data = msgspec.json.encode(body(**GIVEN, flight=tensor("flight", "BYTES", [row])))
        head = f"POST {URL} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {TOKEN}\r\n"
        link.sendall((head + f"Content-Length: {len(data)}\r\n\r\n").encode() + data)
        answer = link.recv(1 << 16)
        if not answer:
            raise ConnectionError("closed")
        if answer.startswith(b"HTTP/1.1 200 "):
            self.acknowledged[row] = time.monotonic()
        else:
            self.refused.append(answer)


def workers(pid: int) -> list[int]:
    found = [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return [each for each in found if b"resource_tracker" not in Path(f"/proc/{each}/cmdline").read_bytes()]


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
        time.sleep(2)
        victim = workers(server.process.pid)[0]
        os.kill(victim, signal.SIGKILL)
        killed = time.monotonic()
        time.sleep(2)
        stop.set()
        for client in clients:
            client.join()
        assert server.stop() == 0
    finally:
        stop.set()
        server.stop()
        server.client.close()
    assert [client.refused for client in clients] == [[]] * CLIENTS
    broken = [at - killed for client in clients for at in client.broken]
    assert all(-0.05 <= after < 0.5 for after in broken) and max(len(client.broken) for client in clients) <= 1
    after = [row for client in clients for row, at in client.acknowledged.items() if at > killed + 0.5]
    assert after  # the other worker went on, and the killed one's clients with it
    acknowledged = {row: at for client in clients for row, at in client.acknowledged.items()}
    lost = {row: killed - acknowledged[row] for row in acknowledged.keys() - set(server.recorded())}
    if durable:
        assert lost == {}
    assert all(0 <= before <= FLUSH + WRITE for before in lost.values()), lost
