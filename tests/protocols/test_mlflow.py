"""MLflow's own clients, old and new, each in an environment of its own, log to a real server and read back."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

FLOWS = Path(__file__).parent / "mlflow" / "flows"
CLIENTS = {"mlflow2": "2.22.5", "mlflow317": "3.17.2", "mlflow318": "3.18.0"}
LEFT_OUT = {
    ("mlflow2", "logged"): ["logged models"],
    ("mlflow2", "traces"): ["search by spans", "assessments"],
    ("mlflow2", "tracking"): ["delete_experiment_tag"],
}
"""What a release of the client has not."""


@pytest.mark.slow
@pytest.mark.parametrize("kind", CLIENTS)
@pytest.mark.parametrize("flow", sorted(path.stem for path in FLOWS.glob("*.py") if path.stem != "flow"))
def test_a_client_finds_what_it_logged(
    apart: Callable[[str], Path], server: tuple[str, str], tmp_path: Path, kind: str, flow: str
) -> None:
    url, token = server
    own = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}  # it imports much
    ran = subprocess.run(
        [apart(kind) / "bin" / "python", FLOWS / f"{flow}.py", url],
        cwd=tmp_path, env={**own, "MLFLOW_TRACKING_TOKEN": token}, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr[-8000:]
    told = json.loads(ran.stdout.splitlines()[-1])
    assert (told["client"], told["skipped"]) == (CLIENTS[kind], LEFT_OUT.get((kind, flow), []))
    assert told["checked"] or told["skipped"]
