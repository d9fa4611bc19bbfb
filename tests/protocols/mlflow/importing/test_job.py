"""A whole MLflow is brought over: what its own client then reads is the same, however often and when it was killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from argosy.store import Store
from argosy.store.rows import execute
from tests.conformance.mlflow.stock import stock_server
from tests.server.harbour import open_harbour

pytestmark = pytest.mark.slow
HERE = Path(__file__).parent
COMMAND = "import sys; from argosy.cli import main; sys.exit(main())"
MANY = 60


def client(environment: Path, script: str, uri: str, *arguments: str, token: str = "") -> str:
    """What a script prints that the Python of an environment runs against a place."""
    given = {
        **{name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"},
        "MLFLOW_TRACKING_URI": uri, "MLFLOW_TRACKING_TOKEN": token, "MLFLOW_ALLOW_FILE_STORE": "true",
    }  # fmt: skip
    ran = subprocess.run(
        [environment / "bin" / "python", HERE / script, *arguments], env=given, capture_output=True, text=True,
        timeout=300,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr[-4000:]
    return ran.stdout


def bring(uri: object, home: Path, *arguments: str) -> tuple[int, Any]:
    """What `argosy import` comes to, in a process of its own: exit code and JSON."""
    ran = subprocess.run([*command(uri, home), *arguments], capture_output=True, text=True, timeout=300)
    return ran.returncode, json.loads(ran.stdout or "null")


def command(uri: object, home: Path) -> list[str]:
    return [sys.executable, "-c", COMMAND, "import", "mlflow", "--from", str(uri), "--home", str(home), "--json"]


def told_here(environment: Path, home: Path) -> Any:
    """What a home tells MLflow's client."""
    with open_harbour(home, lambda: datetime.now(UTC)) as harbour:
        return json.loads(client(environment, "told.py", harbour.url, token=harbour.token))


def differences(one: Any, other: Any, place: str = "") -> list[str]:
    """Where two answers differ."""
    if isinstance(one, dict) and isinstance(other, dict):
        found = [(one.get(key), other.get(key), f"{place}/{key}") for key in sorted({*one, *other})]
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        found = [(*pair, f"{place}[{number}]") for number, pair in enumerate(zip(one, other, strict=True))]
    else:
        return [] if one == other else [f"{place}: {str(one)[:200]} and {str(other)[:200]}"]
    return [each for pair in found for each in differences(*pair)]


def counts(told: Any, name: str) -> dict[str, int]:
    return {kind: tally[name] for kind, tally in told["kinds"].items()}


@pytest.fixture(scope="module")
def newer(apart: Callable[[str], Path]) -> Path:
    return apart("mlflow317")


@pytest.fixture(scope="module")
def stock(newer: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server of MLflow that a team used."""
    with stock_server(newer, tmp_path_factory.mktemp("stock") / "server") as url:
        client(newer, "fill.py", url, str(MANY))
        yield url


def test_a_server_is_here_as_it_is_there(stock: str, newer: Path, home: Path) -> None:
    code, dry = bring(stock, home / "none", "--dry-run")
    assert code == 0 and counts(dry, "found")["runs"] == MANY + 10 and not (home / "none").exists()
    code, first = bring(stock, home)
    assert (code, first["failures"]) == (0, [])
    assert counts(first, "brought") == {
        "experiments": 3, "runs": MANY + 10, "metric points": 3011 + MANY, "artifacts": 18 + MANY, "logged models": 3,
        "registered models": 2, "model versions": 2,
    }  # fmt: skip
    assert differences(told_here(newer, home), json.loads(client(newer, "told.py", stock))) == []
    code, second = bring(stock, home)
    assert code == 0 and set(counts(second, "brought").values()) == {0}
    assert counts(second, "there") == {**counts(first, "found"), "metric points": 0, "artifacts": 0}


@pytest.mark.parametrize("release", ["mlflow2", "mlflow317"])
def test_a_folder_is_here_as_it_is_there(
    apart: Callable[[str], Path], release: str, home: Path, tmp_path: Path
) -> None:
    environment, folder = apart(release), tmp_path / "mlruns"
    client(environment, "fill.py", str(folder))
    code, first = bring(folder, home)
    assert (code, first["failures"]) == (0, []) and counts(first, "brought")["artifacts"] == 21
    there = json.loads(client(environment, "told.py", str(folder)))
    assert differences(told_here(environment, home), there) == []
    moved = tmp_path / "elsewhere" / "mlruns"
    moved.parent.mkdir()
    folder.rename(moved)
    assert bring(moved, home)[0] == 0
    code, again = bring(moved, home.with_name("another"))
    wrote = {"artifacts": counts(again, "brought")["artifacts"]}  # a client that looks at models leaves files there
    assert (code, counts(again, "brought")) == (0, {**counts(first, "brought"), **wrote}) and wrote["artifacts"] >= 21


def test_an_import_that_is_killed_goes_on(stock: str, newer: Path, home: Path) -> None:
    """Three times, at work each time: nothing is half there, and the last import has the rest."""
    for least in (3, MANY // 3, 2 * MANY // 3):
        process = subprocess.Popen(command(stock, home), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until = time.monotonic() + 120
        while process.poll() is None and len(held(home)) < least and time.monotonic() < until:
            time.sleep(0.005)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        assert all(points in (0, 1, 3007) for points in held(home).values())
    before = len(held(home))
    code, told = bring(stock, home)
    assert (code, told["failures"]) == (0, [])
    assert counts(told, "there")["runs"] == before < MANY + 10
    assert differences(told_here(newer, home), json.loads(client(newer, "told.py", stock))) == []


def held(home: Path) -> dict[str, int]:
    """The runs of a home and how many points of metrics each has."""
    if not (home / "argosy.db").exists():
        return {}
    with Store.open(home) as store, store.read() as conn:
        sql = (
            "SELECT r.run, coalesce((SELECT sum(b.points) FROM block b WHERE b.run_id = r.id), 0) FROM tracked r "
            "JOIN label l ON l.kind = 'imported' AND l.entity = r.run AND l.key = 'content'"
        )
        return dict(execute(conn, sql).fetchall())
