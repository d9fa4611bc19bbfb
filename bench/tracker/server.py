"""The two servers, each over a store of its own: Argosy's console and API, and the stock `mlflow server`."""

from __future__ import annotations

import json
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import psycopg
from harness import peer, tree

from argosy.store import Store

REQUIREMENTS = ("mlflow==3.17.2", "psycopg2-binary==2.9.*")
PEER = "MLflow 3.17.2"
_QUIETLY = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
_TROUBLE = re.compile(r"(?<![bc])lock|Traceback|Exception|\bERROR\b|\bCRITICAL\b", re.IGNORECASE)
_WAIT_SECONDS, _END_SECONDS, _LOOK_SECONDS = 300, 60, 5
_REST = 0.03


@dataclass(frozen=True)
class Database:
    """A PostgreSQL server: the URL of its maintenance database, and its first process."""

    url: str
    pid: int

    def make(self) -> str:
        """URL of a new, empty database on it."""
        name = f"bench_{secrets.token_hex(4)}"
        with psycopg.connect(self.url.replace("+psycopg", ""), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE template0")
        return f"{self.url.rpartition('/')[0]}/{name}"


@dataclass(frozen=True)
class Server:
    """A running server: `facts` is the address of its store, `folder` where all else of it lies.

    `pid` is the process whose tree is the server, `started` the seconds from its command to its first answer,
    `idle` the CPU seconds that it spends in a second while nobody asks it anything.
    """

    name: str
    port: int
    pid: int
    started: float
    idle: float
    facts: str
    folder: Path
    token: str = ""
    database: Database | None = None

    @property
    def cpu(self) -> float:
        """CPU seconds of the server up to now, that of a database apart."""
        return tree(self.pid)

    @property
    def database_cpu(self) -> float:
        """CPU seconds of its database up to now; none where the store is within the server."""
        return tree(self.database.pid) if self.database else 0.0

    def trouble(self) -> list[str]:
        """The lines of its log that speak of errors or of locks."""
        return [
            line for line in (self.folder / "log").read_text(errors="replace").splitlines() if _TROUBLE.search(line)
        ]

    def analyse(self) -> None:
        """Have PostgreSQL look at what the tables hold, as it does by itself after a while."""
        if self.database:
            address = f"postgresql:{self.facts.partition(':')[2]}"
            with psycopg.connect(address, autocommit=True) as connection:
                connection.execute("ANALYZE")


@contextmanager
def argosy(folder: Path, facts: str, database: Database | None = None) -> Iterator[Server]:
    """Console and API of a home; what is counted is their process, not the inference server beside it."""
    folder.mkdir(exist_ok=True)
    blobs = folder / "blobs" if database else None
    Store.open(facts, blobs=blobs).close()
    port = _port()
    command = [str(Path(sys.executable).with_name("argosy")), "up", "--no-controller", "--json"]
    command += ["--port", str(port), "--inference-port", str(_port()), "--home", facts]
    with _running(command, folder, {"ARGOSY_BLOBS": str(blobs)} if blobs else {}) as process:
        started = _answers(process, port, "/healthz", folder)
        told = _told(process, folder)
        pid = told["pids"]["console"]
        yield Server("argosy", port, pid, started, _idle(pid), facts, folder, told["token"], database)


@contextmanager
def mlflow(folder: Path, facts: str, database: Database | None = None) -> Iterator[Server]:
    """The stock server with four workers, artifacts through it.

    It runs without its consumers of jobs, in its favour: they are for evaluations, start with it for minutes, and would
    count in its memory and its time at rest.
    """
    folder.mkdir(exist_ok=True)
    port = _port()
    address = facts.replace("+psycopg:", "+psycopg2:") if database else f"sqlite:///{facts}"
    command = [str(mlflow_python().with_name("mlflow")), "server", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--backend-store-uri", address, "--artifacts-destination", str(folder / "artifacts")]
    path = f"{mlflow_python().parent}{os.pathsep}{os.environ['PATH']}"
    with _running(command, folder, {**_QUIETLY, "PATH": path}) as process:
        started = _answers(process, port, "/health", folder)
        yield Server(PEER, port, process.pid, started, _idle(process.pid), address, folder, database=database)


def mlflow_python() -> Path:
    """The Python of the stock server's environment."""
    return peer("mlflow", REQUIREMENTS)


@contextmanager
def _running(command: list[str], folder: Path, environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """A process in a session of its own, whose words go to the log of `folder`, its data to `out`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ARGOSY_", "MLFLOW_"))}
    with (folder / "log").open("ab") as log, (folder / "out").open("wb") as out:
        process = subprocess.Popen(
            command, cwd=folder, env=kept | environment, stdout=out, stderr=log, start_new_session=True
        )
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(_END_SECONDS)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def _answers(process: subprocess.Popen[bytes], port: int, path: str, folder: Path) -> float:
    """Seconds until the server answers a first time, counted from now: its process has begun just before."""
    begun = time.monotonic()
    while process.poll() is None and time.monotonic() - begun < _WAIT_SECONDS:
        try:
            with urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
                answer.read()
            return time.monotonic() - begun
        except (URLError, OSError):
            time.sleep(0.005)
    raise SystemExit(f"{process.args!r} did not answer on {path}:\n{(folder / 'log').read_text()[-4000:]}")


def _idle(pid: int) -> float:
    """CPU seconds in a second at rest, once all that starts with the server has started: it rests twice in a row."""
    until, calm = time.monotonic() + _WAIT_SECONDS, 0
    while calm < 2:
        before, begun = tree(pid), time.monotonic()
        time.sleep(_LOOK_SECONDS)
        rate = (tree(pid) - before) / (time.monotonic() - begun)
        calm = calm + 1 if rate < _REST else 0
        if time.monotonic() > until:
            raise SystemExit(f"process {pid} does not come to rest: it spends {rate:.2f} CPU s in a second")
    return rate


def _told(process: subprocess.Popen[bytes], folder: Path) -> dict[str, Any]:
    """The JSON object that a process prints and then goes on."""
    while process.poll() is None:
        text = (folder / "out").read_text()
        if text.endswith("}\n"):
            told: dict[str, Any] = json.loads(text)
            return told
        time.sleep(0.02)
    raise SystemExit(f"{process.args!r} ended:\n{(folder / 'log').read_text()[-4000:]}")


def _port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
