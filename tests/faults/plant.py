"""A replay under way: its driver and its inference server, started again whenever they are killed."""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple, Self

from tests.faults.replay import TOKEN

HERE = Path(__file__).parent
SOURCE = HERE.parents[1] / "src"


class Kill(NamedTuple):
    """What was killed, and when (seconds since 1970)."""

    victim: str
    at: float


class Plant:
    """The processes of one replay in `work`. It ends only what it started itself."""

    def __init__(self, work: Path, until: date) -> None:
        self.work, self.until = work, until
        self.kills: list[Kill] = []
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port: int = probe.getsockname()[1]
        self._log = (work / "log.txt").open("ab")
        self._server: subprocess.Popen[bytes] | None = None
        self._driver: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self._server = self._start("serve.py", str(self.work / "home"), str(self._port), TOKEN)
        return self

    def __exit__(self, *exception: object) -> None:
        for process in (self._driver, self._server):
            if process is not None:
                _end(process)
        self._log.close()

    def drive(self, commits: int | None = None) -> None:
        """Start the driver, which kills itself before so many commits if they are given."""
        more = [] if commits is None else [str(commits)]
        self._driver = self._start("replay.py", str(self.work), str(self._port), self.until.isoformat(), *more)

    def wait(self, seconds: float) -> int | None:
        """The driver's exit code, None while it runs on after `seconds`."""
        assert self._driver is not None
        try:
            code = self._driver.wait(seconds)
        except subprocess.TimeoutExpired:
            return None
        if code == -signal.SIGKILL:
            self.kills.append(Kill("commit", time.time()))
        elif code:
            raise AssertionError(f"the driver ended with {code}:\n{self.log()[-3000:]}")
        return code

    @property
    def commits(self) -> int:
        """How many transactions the drivers have committed so far."""
        file = self.work / "commits"
        return file.stat().st_size if file.exists() else 0

    def there(self, victim: str) -> bool:
        """Whether there is a process of this kind to be killed."""
        return victim in ("driver", "server") or bool(self._found(victim))

    def kill(self, victim: str, draw: random.Random) -> None:
        """Kill the driver, a worker, the nursery, the server, or the server's worker, if there is one now."""
        assert self._driver is not None and self._server is not None
        at = time.time()
        if victim == "driver":
            self._driver.kill()
            self._driver.wait()
        elif victim == "server":
            _end(self._server)
            self._server = self._start("serve.py", str(self.work / "home"), str(self._port), TOKEN)
        else:
            found = self._found(victim)
            if not found:
                return
            os.kill(draw.choice(found), signal.SIGKILL)
        self.kills.append(Kill(victim, at))

    def ask(self, path: str, body: object) -> tuple[int, Any]:
        """Status and answer of the server: JSON for a body to send, else text. A server that is not there is 0."""
        headers = {"authorization": f"Bearer {TOKEN}", "content-type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self._port}{path}", data=data, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                text = answer.read()
                return answer.status, text.decode() if body is None else json.loads(text)
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())
        except OSError:
            return 0, None

    def ready(self) -> None:
        """Wait until the server answers."""
        deadline = time.monotonic() + 60
        while self.ask("/v2/health/ready", None)[0] != 200:
            assert time.monotonic() < deadline, self.log()[-3000:]
            time.sleep(0.05)

    def log(self) -> str:
        """What the processes said."""
        return (self.work / "log.txt").read_text(errors="replace")

    def _found(self, victim: str) -> list[int]:
        assert self._driver is not None and self._server is not None
        if victim == "server's worker":
            return _children(self._server.pid)
        nurseries = _children(self._driver.pid)
        return nurseries if victim == "nursery" else [worker for each in nurseries for worker in _children(each)]

    def _start(self, script: str, *arguments: str) -> subprocess.Popen[bytes]:
        environment = {**os.environ, "PYTHONPATH": f"{SOURCE}:{HERE.parents[1]}", "POLARS_MAX_THREADS": "2"}
        return subprocess.Popen(
            [sys.executable, str(HERE / script), *arguments],
            stdout=self._log, stderr=self._log, env=environment, start_new_session=True,
        )  # fmt: skip


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill a process and what it started in its session."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _children(pid: int) -> list[int]:
    try:
        return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []
