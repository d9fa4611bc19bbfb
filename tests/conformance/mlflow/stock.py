"""The stock server of MLflow 3.17.2, over SQLite in a folder of its own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

_SECONDS = 300
_QUIET = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}


@contextmanager
def stock_server(environment: Path, folder: Path) -> Iterator[str]:
    """Its URL while the block runs. It is slow to start: it makes its tables by all migrations there ever were."""
    folder.mkdir()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    command: list[str | Path] = [
        environment / "bin" / "mlflow",
        "server",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--workers",
        "1",
    ]
    command += ["--backend-store-uri", f"sqlite:///{folder}/facts.db", "--artifacts-destination", folder / "artifacts"]
    path = f"{environment / 'bin'}{os.pathsep}{os.environ['PATH']}"
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}  # it imports much
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=folder, env={**kept, **_QUIET, "PATH": path}, stdout=log, stderr=log, start_new_session=True
        )
        try:
            _await(process, f"http://127.0.0.1:{port}", folder / "log")
            yield f"http://127.0.0.1:{port}"
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def _await(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    until = time.monotonic() + _SECONDS
    while process.poll() is None and time.monotonic() < until:
        try:
            with urlopen(f"{url}/health", timeout=10):
                return
        except (URLError, OSError):
            time.sleep(0.2)
    raise AssertionError(f"the stock server did not start:\n{log.read_text(errors='replace')[-4000:]}")
