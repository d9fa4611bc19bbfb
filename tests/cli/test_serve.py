"""`argosy serve`, started for real: the home's tokens open it, its limits hold, and it ends cleanly."""

from __future__ import annotations

import json
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from argosy.cli import main
from argosy.cli.port import free_port
from argosy.server import secret
from argosy.store import Store

START = "import sys; from argosy.cli import main; sys.exit(main())"
ROW = {"left_at": "2026-03-02T17:30:00Z", "depot": "north", "kilometres": 12, "parcels": 4}
Serve = Callable[..., tuple[subprocess.Popen[bytes], str]]


@pytest.fixture
def place(late: Path, tmp_path: Path) -> Path:
    """A copy of the project and its home."""
    shutil.copytree(late, tmp_path / "late")
    return tmp_path / "late"


@pytest.fixture
def serving(place: Path) -> Iterator[Serve]:
    """Starts servers of the home, and ends them."""
    running: list[subprocess.Popen[bytes]] = []

    def start(*options: str) -> tuple[subprocess.Popen[bytes], str]:
        port = free_port(0)
        command = [sys.executable, "-c", START, "serve", "--port", str(port), *options]
        running.append(subprocess.Popen(command, cwd=place))
        return running[-1], f"http://127.0.0.1:{port}"

    yield start
    for each in running:
        each.terminate()
        assert each.wait(60) == 0


def ready(process: subprocess.Popen[bytes], url: str) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end and process.poll() is None:
        with suppress(httpx.TransportError):
            if httpx.get(f"{url}/v2/health/ready").status_code == 200:
                return
        time.sleep(0.02)
    raise AssertionError("the server did not start")


def ask(url: str, token: str, rows: int = 1) -> httpx.Response:
    headers = {"Authorization": f"Bearer {token}"}
    return httpx.post(f"{url}/predict/late-order", json={"records": [ROW] * rows}, headers=headers, timeout=60)


@pytest.mark.slow
def test_tokens_of_the_home_open_it_and_its_limits_hold(place: Path, serving: Serve) -> None:
    with Store.open(place / ".argosy") as store:
        now = datetime.now(UTC)
        shop, dashboard = secret.issue(store, "shop", "caller", now), secret.issue(store, "dashboard", "viewer", now)
    process, url = serving("--rows", "shop=10,*=1000")
    ready(process, url)
    first = ask(url, shop, 500)
    assert first.status_code == 200 and len(first.json()["predictions"]) == 500
    owing = ask(url, shop)
    assert owing.status_code == 429
    assert 40 <= int(owing.headers["retry-after"]) <= 50 and "'shop'" in owing.json()["error"]
    assert ask(url, dashboard).status_code == 403
    with Store.open(place / ".argosy") as store:
        secret.revoke(store, "shop", datetime.now(UTC))
    end = time.monotonic() + 60
    while (status := ask(url, shop).status_code) != 401 and time.monotonic() < end:
        time.sleep(0.05)
    assert status == 401


@pytest.mark.slow
def test_it_ends_with_0_and_remembers_which_models_were_in_use(place: Path, serving: Serve) -> None:
    with Store.open(place / ".argosy") as store:
        token = secret.issue(store, "shop", "caller", datetime.now(UTC))
    process, url = serving("--workers", "2")
    ready(process, url)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    assert sum(b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes() for child in children) == 2
    assert ask(url, token).status_code == 200
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0
    assert len(json.loads((place / ".argosy" / "warm").read_bytes())) == 1


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--rows", "shop"], "'shop' is no limit"),
        (["--port", "70000"], "--port is 70000"),
        (["--drain", "60"], "drain_seconds=60"),
        (["--concurrency", "0"], "concurrency=0"),
        (["--workers", "0"], "--workers is 0"),
    ],
)
def test_options_that_cannot_be_meant_are_refused(
    inside: Path, capsys: pytest.CaptureFixture[str], options: list[str], said: str
) -> None:
    assert main(["serve", *options]) != 0
    shown = capsys.readouterr().err
    assert said in shown and ("Inference on" not in shown or "--drain" in options)


def stale(url: str) -> bool:
    return "stale_seconds" in httpx.get(f"{url}/v2/health/ready").json()


def eventually(check: Callable[[], bool]) -> bool:
    end = time.monotonic() + 60
    while not (found := check()) and time.monotonic() < end:
        time.sleep(0.05)
    return found


@pytest.mark.slow
def test_a_store_that_is_gone_costs_no_answer_and_a_backup_in_its_place_is_read(place: Path, serving: Serve) -> None:
    with Store.open(place / ".argosy") as store:
        token = secret.issue(store, "shop", "caller", datetime.now(UTC))
    process, url = serving()
    ready(process, url)
    facts, backup = place / ".argosy" / "argosy.db", place / "backup.db"
    with sqlite3.connect(facts) as here, sqlite3.connect(backup) as there:
        here.backup(there)
    for path in facts.parent.glob("argosy.db*"):
        path.unlink()
    assert eventually(lambda: stale(url))
    assert ask(url, token).status_code == 200 and not list(facts.parent.glob("argosy.db*"))
    backup.rename(facts)
    assert eventually(lambda: not stale(url)) and ask(url, token).status_code == 200


@pytest.mark.slow
def test_a_damaged_store_is_told_in_two_lines(place: Path) -> None:
    for path in (place / ".argosy").glob("argosy.db*"):
        path.unlink()
    (place / ".argosy" / "argosy.db").write_bytes(b"no store" * 1000)
    command = [sys.executable, "-c", START, "serve", "--port", str(free_port(0))]
    with subprocess.Popen(command, cwd=place, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        said = [process.stderr.readline() for _ in range(3)]
        process.terminate()
    assert said[1] == "the inference server cannot begin: the store is damaged: file is not a database\n"
    assert said[2] == "  next: put a backup of it in its place\n"
