"""A server process over a store with a fleet, and the environments of its clients."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.serving.conftest import Fixture, fleet
from tests.serving.test_server import TOKEN, Running

__all__ = ["fleet"]
HERE = Path(__file__).parent


@pytest.fixture
def running(fleet: Fixture) -> Iterator[Running]:
    server = Running(fleet.store.home)
    yield server
    server.stop()
    server.client.close()


@pytest.fixture
def ask(running: Running, apart: Callable[[str], Path]) -> Callable[..., dict[str, Any]]:
    """Run a client's script in its environment with a port and the token; gives what it prints as JSON."""

    def asking(kind: str, script: str, *, grpc: bool = False) -> dict[str, Any]:
        port = running.grpc_port if grpc else running.port
        command = [apart(kind) / "bin" / "python", HERE / f"{script}.py", str(port), TOKEN]
        found = subprocess.run(command, capture_output=True, text=True, timeout=300, cwd=HERE.parent)
        assert found.returncode == 0, found.stderr[-4000:]
        told: dict[str, Any] = json.loads(found.stdout.splitlines()[-1])
        return told

    return asking
