"""A running server, and the bytes of a request to it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from scorer.load import Connection

_START_SECONDS = 120


@dataclass(frozen=True)
class Target:
    """A running server: its process, and the bytes of requests, by their number of rows or their place."""

    pid: int
    port: int
    requests: Mapping[int, bytes]


def http(port: int, path: str, body: object, **headers: str) -> bytes:
    """The bytes of a POST of JSON."""
    data = json.dumps(body).encode()
    lines = [f"POST {path} HTTP/1.1", f"Host: 127.0.0.1:{port}", "Content-Type: application/json"]
    lines += [f"Content-Length: {len(data)}", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + data


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def started(
    command: Sequence[str | Path], port: int, requests: Mapping[int, bytes], *, path: Path | None = None,
    folder: Path | None = None,
) -> Iterator[Target]:  # fmt: skip
    """A server as a process of its own, once it answers; `path` goes before the others where commands are found."""
    found = os.environ["PATH"] if path is None else f"{path}:{os.environ['PATH']}"
    environment = {**os.environ, "PATH": found, "OMP_NUM_THREADS": "1"}
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            [str(word) for word in command], stdout=log, stderr=log, start_new_session=True, env=environment, cwd=folder
        )
        try:
            _wait(process, port, next(iter(requests.values())), log.fileno())
            yield Target(process.pid, port, requests)
        finally:
            _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    try:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(15)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    except ProcessLookupError:
        process.wait()


def _wait(process: subprocess.Popen[bytes], port: int, request: bytes, log: int) -> None:
    end, last = time.monotonic() + _START_SECONDS, b""
    while time.monotonic() < end and process.poll() is None:
        try:
            with Connection(port) as connection:
                status, last = connection.ask(request)
                if status == 200:
                    return
        except OSError:
            pass
        time.sleep(0.1)
    os.lseek(log, 0, os.SEEK_SET)
    said = os.read(log, 1 << 20)[-3000:].decode(errors="replace")
    raise RuntimeError(f"the server did not answer: {last[:500]!r}\n{said}")
