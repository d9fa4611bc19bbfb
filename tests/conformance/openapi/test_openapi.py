"""The document of the inference server is OpenAPI, and whatever is drawn from it is answered as it says."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.serving.conftest import Fixture, fleet
from tests.serving.test_server import TOKEN, Running

__all__ = ["fleet"]
HERE = Path(__file__).parent
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,ignored_auth"
EXAMPLES = 20
pytestmark = pytest.mark.slow


@pytest.fixture
def running(fleet: Fixture) -> Iterator[Running]:
    server = Running(fleet.store.home)
    yield server
    server.stop()
    server.client.close()


def test_the_document_is_valid(running: Running, apart: Callable[[str], Path], tmp_path: Path) -> None:
    document = tmp_path / "openapi.json"
    document.write_bytes(running.client.get("/openapi.json").content)
    command = [apart("openapi") / "bin" / "python", HERE / "validate.py", document]
    found = subprocess.run(command, capture_output=True, text=True)
    assert found.returncode == 0, found.stderr[-4000:]


def test_what_is_drawn_from_it_is_answered_as_it_says(
    running: Running, apart: Callable[[str], Path], tmp_path: Path
) -> None:
    """Good and bad data at every door."""
    command = [
        apart("openapi") / "bin" / "schemathesis", "run", f"http://127.0.0.1:{running.port}/openapi.json",
        "--header", f"Authorization: Bearer {TOKEN}", "--checks", CHECKS, "--mode", "all", "--no-color",
        "--max-examples", str(EXAMPLES), "--phases", "coverage,fuzzing", "--seed", "7", "--continue-on-failure",
    ]  # fmt: skip
    environment = os.environ | {"SCHEMATHESIS_HOOKS": "kinds", "PYTHONPATH": str(HERE)}
    found = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=environment)
    assert found.returncode == 0, found.stdout[-8000:] + found.stderr[-4000:]
    assert running.ask().status_code == 200
