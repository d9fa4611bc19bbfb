"""A real Redis server of one's own, on the loopback, which writes each change to its log before it answers."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

from redis import Redis
from redis.exceptions import ConnectionError


class Server:
    """A server that keeps its data in a directory. It can be killed and started again at the same address."""

    def __init__(self, place: Path) -> None:
        self._place = place
        self._process: subprocess.Popen[bytes] | None = None
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self.client = Redis(port=self.port, protocol=2)
        self.start()

    @property
    def url(self) -> str:
        """Its address, to which the name of a stream is added."""
        return f"redis://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it; raises RuntimeError where there is none, or it does not answer."""
        if shutil.which("redis-server") is None:
            raise RuntimeError("no Redis server is installed; next: scripts/system")
        options: tuple[str, ...] = (
            "--bind",
            "127.0.0.1",
            "--port",
            str(self.port),
            "--dir",
            str(self._place),
            "--save",
            "",
        )
        options += ("--appendonly", "yes", "--appendfsync", "always")
        with (self._place / "log").open("ab") as log:
            self._process = subprocess.Popen(["redis-server", *options], stdout=log, stderr=log)
        deadline = time.monotonic() + 60
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise RuntimeError(f"Redis did not start:\n{(self._place / 'log').read_text()}")
            time.sleep(0.02)

    def kill(self) -> None:
        """End it at once, as a crash does."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait(20)
            self._process = None

    def close(self) -> None:
        """End it, and the client of it."""
        self.client.close()
        self.kill()

    def _answers(self) -> bool:
        try:
            return bool(self.client.ping())
        except ConnectionError:
            return False
