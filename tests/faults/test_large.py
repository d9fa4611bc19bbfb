"""A file of two gigabytes goes up and down while the server's memory stays as it is."""

from __future__ import annotations

import hashlib
import http.client
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from argosy.server import secret
from argosy.store import Store

TRACKER = Path(__file__).with_name("tracker.py")
BLOCK, BLOCKS = bytes(range(256)) * 4096, 2048
PATH = "/api/2.0/mlflow-artifacts/artifacts/0/run/artifacts/large.bin"
GROWTH = 48 * 1024
"""KiB that the server's memory may grow by, which are its buffers."""


@pytest.fixture
def tracker(home: Path) -> Iterator[tuple[http.client.HTTPConnection, dict[str, str], int]]:
    """A server in a process of its own: a connection to it, the headers of an admin, its process id."""
    with Store.open(home) as store:
        token = secret.issue(store, "ann", secret.ADMIN, datetime.now(UTC))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, str(TRACKER), str(home), str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "listening\n"
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
        yield connection, {"authorization": f"Bearer {token}"}, process.pid
        connection.close()
        process.terminate()


def peak(process: int) -> int:
    """The most memory that a process has had so far, in KiB."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{process}/status").read_text())
    assert found is not None
    return int(found[1])


@pytest.mark.slow
def test_a_large_file_takes_no_memory(tracker: tuple[http.client.HTTPConnection, dict[str, str], int]) -> None:
    connection, headers, process = tracker
    connection.request("PUT", f"{PATH}.small", BLOCK, headers)
    assert connection.getresponse().read() == b"{}"
    before, sent = peak(process), hashlib.sha256()

    def body() -> Iterator[bytes]:
        for number in range(BLOCKS):
            block = number.to_bytes(8, "big") + BLOCK[8:]
            sent.update(block)
            yield block

    connection.request("PUT", PATH, body(), {**headers, "content-length": str(BLOCKS * len(BLOCK))})
    answer = connection.getresponse()
    assert (answer.status, answer.read()) == (200, b"{}")
    connection.request("GET", PATH, headers=headers)
    answer, got = connection.getresponse(), hashlib.sha256()
    while chunk := answer.read(1 << 20):
        got.update(chunk)
    assert got.digest() == sent.digest() and answer.headers["etag"] == f'"{sent.hexdigest()}"'
    connection.request("GET", PATH, headers={**headers, "range": f"bytes={1500 * len(BLOCK)}-{1500 * len(BLOCK) + 7}"})
    answer = connection.getresponse()
    assert (answer.status, answer.read()) == (206, (1500).to_bytes(8, "big"))
    assert peak(process) - before < GROWTH
