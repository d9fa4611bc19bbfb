"""A server that starts over a store it knows, and one that nobody asks anything."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

from tracker.load import Figure
from tracker.memory import shared
from tracker.server import Database, Server

Launch = Callable[[Path, str, Database | None], AbstractContextManager[Server]]
_STARTS = 2


def start(launch: Launch, database: Database | None) -> Iterator[Figure]:
    """The least of some starts, after a first one that makes the tables; then the memory at rest."""
    with tempfile.TemporaryDirectory(prefix="argosy-bench-") as name:
        folder = Path(name) / "start"
        facts = database.make() if database else str(folder / "facts")
        with launch(folder, facts, database):
            pass
        seconds = []
        for _ in range(_STARTS):
            with launch(folder, facts, database) as server:
                seconds.append(server.started)
                memory, idle = shared(server.pid), server.idle
        yield Figure("start to the first answer", "s", min(seconds))
        yield Figure("idle memory of the tree", "MiB", memory)
        yield Figure("idle, a second of it", "CPU ms", idle * 1e3)
