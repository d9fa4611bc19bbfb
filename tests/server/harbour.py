"""A server on a free port of the loopback, in a thread of this process, over a home of its own."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from argosy.server import run, secret
from argosy.server.run import Running
from argosy.server.settings import Settings
from argosy.store import Store
from tests.console import build


class Harbour:
    """A running server: its URL, a token of an admin, the store it serves."""

    def __init__(self, store: Store, port: int, running: Running, thread: threading.Thread) -> None:
        self.store, self.port, self.running, self.thread = store, port, running, thread
        self.url = f"http://127.0.0.1:{port}"
        self.token = secret.issue(store, "ada", secret.ADMIN, build.NOW)


@contextmanager
def open_harbour(home: Path, now: Callable[[], datetime] = lambda: build.NOW) -> Iterator[Harbour]:
    """Serve a home that is there until the block ends."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    started: list[Running] = []
    ready = threading.Event()

    def on_ready(running: Running) -> None:
        started.append(running)
        ready.set()

    settings = Settings(home=str(home), port=port, poll_seconds=0.05, believed_seconds=0.2)
    options = {"now": now, "on_ready": on_ready, "signals": False}
    thread = threading.Thread(target=run.serve, args=(settings,), kwargs=options)
    thread.start()
    assert ready.wait(60)
    _listening(port)
    with Store.open(home) as store:
        try:
            yield Harbour(store, port, started[0], thread)
        finally:
            started[0].stop()
            thread.join(60)
            assert not thread.is_alive()


def _listening(port: int) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            assert time.monotonic() < deadline, "the server does not listen"
            time.sleep(0.02)
        else:
            return
