"""The command line that comes with the client: runs, experiments, artifacts, a model served from the registry."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

import mlflow
import numpy
from click.testing import CliRunner
from flow import RELEASE, Flow
from mlflow.cli import cli
from mlflow.models import infer_signature
from sklearn.linear_model import Ridge

ROWS = numpy.arange(20.0).reshape(10, 2)
BINARIES = Path(sys.executable).parent


def _told(*arguments: str) -> str:
    """What a command prints, run in this process: to start one takes seconds."""
    ran = CliRunner().invoke(cli, arguments)
    if ran.exit_code:
        raise RuntimeError(
            f"mlflow {' '.join(arguments)}: exit code {ran.exit_code}: {ran.output[-2000:]} {ran.exception!r}"
        )
    return ran.stdout


def _wait(port: int, server: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + 120
    while time.monotonic() < until and server.poll() is None:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/ping", timeout=5).close()
            return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise RuntimeError(f"the model was not served: {log.read_text()[-4000:]}")


def records(flow: Flow) -> None:
    client, name = flow.client(), f"{flow.title} records"
    experiment = client.create_experiment(name)
    run = client.create_run(experiment, run_name="first").info.run_id
    client.log_param(run, "depth", 6)
    client.log_metric(run, "auc", 0.75)
    client.log_text(run, "one", "notes/a b.txt")
    client.log_text(run, "", "empty.txt")
    listed = _told("runs", "list", "--experiment-id", experiment)
    flow.same("runs list", (run in listed, "first" in listed), (True, True))
    told = json.loads(_told("runs", "describe", "--run-id", run))
    flow.same("runs describe", (told["info"]["run_id"], told["data"]["params"], told["data"]["metrics"]),
              (run, {"depth": "6"}, {"auc": 0.75}))  # fmt: skip
    found = _told("experiments", "search")
    flow.same("experiments search", (name in found, experiment in found), (True, True))
    table = _told("experiments", "csv", "--experiment-id", experiment)
    flow.same("experiments csv", (run in table, "0.75" in table), (True, True))
    files = json.loads(_told("artifacts", "list", "--run-id", run))
    flow.same(
        "artifacts list", [(each["path"], each["is_dir"]) for each in files], [("empty.txt", False), ("notes", True)]
    )
    with tempfile.TemporaryDirectory() as place:
        Path(place, "up.txt").write_text("up")
        _told(
            "artifacts", "log-artifact", "--local-file", f"{place}/up.txt", "--run-id", run, "--artifact-path", "notes"
        )
        _told("artifacts", "download", "--run-id", run, "--artifact-path", "notes", "--dst-path", place)
        down = {path.name: path.read_text() for path in Path(place, "notes").iterdir()}
        flow.same("artifacts download", down, {"a b.txt": "one", "up.txt": "up"})
    _told("runs", "delete", "--run-id", run)
    flow.same("runs delete", flow.client().get_run(run).info.lifecycle_stage, "deleted")
    _told("runs", "restore", "--run-id", run)
    flow.same("runs restore", flow.client().get_run(run).info.lifecycle_stage, "active")


def served(flow: Flow) -> None:
    mlflow.set_experiment(f"{flow.title} served")
    name = f"{flow.title} served"
    estimator = Ridge(alpha=1e-9).fit(ROWS, ROWS[:, 0])
    given = {"artifact_path": "model"} if RELEASE[0] == 2 else {"name": "model"}
    with mlflow.start_run():
        signature = infer_signature(ROWS, ROWS[:, 0])
        mlflow.sklearn.log_model(
            estimator, signature=signature, pip_requirements=["scikit-learn"], registered_model_name=name, **given
        )
    flow.client().set_registered_model_alias(name, "champion", "1")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    where = ("--host", "127.0.0.1", "--port", str(port), "--model-uri", f"models:/{name}@champion")
    command = [BINARIES / "mlflow", "models", "serve", "--env-manager", "local", *where]
    found = {**os.environ, "PATH": f"{BINARIES}{os.pathsep}{os.environ['PATH']}"}  # it starts uvicorn by its name
    with tempfile.TemporaryDirectory() as place:
        log = Path(place, "log")
        with log.open("wb") as out:
            server = subprocess.Popen(command, env=found, stdout=out, stderr=out, start_new_session=True)
        try:
            _wait(port, server, log)
            body = json.dumps({"inputs": ROWS.tolist()}).encode()
            asked = urllib.request.Request(
                f"http://127.0.0.1:{port}/invocations", body, {"Content-Type": "application/json"}
            )
            with urllib.request.urlopen(asked, timeout=60) as answer:
                flow.same("models serve", json.load(answer)["predictions"], estimator.predict(ROWS).tolist())
        finally:
            if server.poll() is None:
                os.killpg(server.pid, signal.SIGTERM)  # its own child too
            server.wait(60)


if __name__ == "__main__":
    Flow().run(records, served)
