"""`argosy up`, started for real: one URL, a token kept in the home, a clean end, and none left behind."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import polars as pl
import pytest

from argosy.cli.port import free_port

START = "import sys; from argosy.cli import main; sys.exit(main())"
pytestmark = pytest.mark.slow


@pytest.fixture
def up(late: Path) -> Iterator[tuple[subprocess.Popen[bytes], dict[str, Any]]]:
    process = subprocess.Popen(
        [sys.executable, "-c", START, "up", "--json"], cwd=late, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        lines = b""
        while not lines.endswith(b"}\n") or lines.count(b"{") != lines.count(b"}"):
            line = process.stdout.readline()
            assert line, process.communicate()[1].decode()
            lines += line
        yield process, msgspec.json.decode(lines)
    finally:
        process.terminate()
        process.communicate(timeout=120)


def ask(url: str, method: str, path: str, token: str | None, body: object = None, host: str = "") -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(url.removeprefix("http://").partition("/")[0], timeout=60)
    headers = {"content-type": "application/json"} | ({"authorization": f"Bearer {token}"} if token else {})
    headers |= {"host": host} if host else {}
    connection.request(method, path, None if body is None else msgspec.json.encode(body), headers)
    response = connection.getresponse()
    found = response.status, response.read()
    connection.close()
    return found


def gone(pid: int) -> bool:
    """Whether a process has ended; one that nobody has waited for yet has."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def answers(url: str) -> bool:
    try:
        return ask(url, "GET", "/healthz", None)[0] == 200
    except OSError:
        return False


def wait(condition: Any, seconds: float = 120.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.1)
    return False


def test_console_and_inference_answer_and_ask_for_the_token(up, run, inside: Path, tmp_path: Path) -> None:
    _, told = up
    assert ask(told["url"], "GET", "/", told["token"])[0] == 200
    assert ask(told["url"], "GET", "/", None)[0] == 401
    assert ask(told["inference"], "GET", "/v2/models/late-order", None)[0] == 401
    taken = run("up", "--port", told["url"].partition("/?")[0].rpartition(":")[2])
    assert taken.code == 1 and "is taken" in taken.err
    path = inside / ".argosy" / "token"
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.read_text().strip() == told["token"]
    (row,) = run("get", "tokens", "--json").json()["items"]
    assert row["role"] == "admin" and told["token"] not in str(row)
    rows = pl.read_csv("rows.csv").head(50).drop("recorded_at")
    status, body = ask(told["inference"], "POST", "/predict/late-order", told["token"],
                       {"records": rows.to_dicts(), "at": "event"})  # fmt: skip
    assert status == 200, body
    run("predict", "late-order", "--file", "rows.csv", "--to", tmp_path / "out.parquet")
    answered = [each["prediction"] for each in msgspec.json.decode(body)["predictions"]]
    assert answered == pl.read_parquet(tmp_path / "out.parquet")["prediction"].head(50).to_list()


def test_what_dies_is_started_again(up) -> None:
    process, told = up
    os.kill(told["pids"]["console"], signal.SIGKILL)

    assert wait(lambda: gone(told["pids"]["console"]))
    assert wait(lambda: answers(told["url"]))
    assert process.poll() is None


@pytest.mark.parametrize("given", [["--port", "99999"], ["--port", "-1"], ["--inference-port", "65536"]])
def test_a_port_that_is_none_is_misuse(run, given: list[str]) -> None:
    shown = run("up", *given)
    assert shown.code == 2 and f"{given[0]} is {given[1]}, which is no port" in shown.err
    assert "from 0 to 65535" in shown.err


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> int:
    """A port that the environment names, with an address and a further name."""
    found = free_port()
    assert found is not None
    for name, value in {"PORT": str(found), "HOST": "localhost", "HOSTS": "models.example"}.items():
        monkeypatch.setenv(f"ARGOSY_{name}", value)
    return found


def test_the_environment_says_where_and_under_which_names_it_is_reached(port: int, up, run, inside: Path) -> None:
    _, told = up
    assert told["url"].startswith(f"http://localhost:{port}/?token=")
    for server, path in ((told["url"], "/healthz"), (told["inference"], "/v2/health/live")):
        assert ask(server, "GET", path, None, host="models.example")[0] == 200
        assert ask(server, "GET", path, None, host="other.example")[0] == 421
    taken = run("up", "--port", port)
    assert taken.code == 1 and f"port {port} is taken" in taken.err


def test_a_home_is_up_once_unless_a_port_is_named(up, run, inside: Path) -> None:
    process, told = up
    console = told["url"].partition("/?")[0]
    again = run("up")
    assert again.code == 1
    assert "this home is up already, since 2" in again.err and f" at {console} (process {process.pid})" in again.err
    assert "argosy up --port PORT" in again.err and told["token"] not in again.err
    doctor = {check["name"]: check for check in run("doctor", "--json").json()}
    assert doctor["up"]["outcome"] == "good" and console in doctor["up"]["found"]
    port = free_port()
    beside = subprocess.Popen(
        [sys.executable, "-c", START, "up", "--json", "--no-controller", "--port", str(port)], cwd=inside,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        assert wait(lambda: answers(f"http://127.0.0.1:{port}"))
        both = {check["name"]: check for check in run("doctor", "--json").json()}["up"]
        assert both["outcome"] == "note" and console in both["found"] and f":{port} " in both["found"]
    finally:
        beside.terminate()
        said = beside.communicate(timeout=120)[1].decode()
    assert "this home is up already, since" in said and "beside it" in said
    process.kill()
    process.wait()
    assert {check["name"]: check for check in run("doctor", "--json").json()}["up"]["found"] == "not on this machine"


def test_a_port_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch, inside: Path, run) -> None:
    monkeypatch.setenv("ARGOSY_PORT", "http")
    refused = run("up")
    assert refused.code != 0 and "ARGOSY_PORT is 'http'" in refused.err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_cleanly_and_takes_all_along(up, number: signal.Signals) -> None:
    process, told = up
    process.send_signal(number)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 0
    assert b"Traceback" not in err and b"WARNING" not in err
    assert all(gone(pid) for pid in told["pids"].values())


def test_children_do_not_outlive_a_killed_parent(up) -> None:
    process, told = up
    process.kill()
    process.wait()
    assert wait(lambda: all(gone(pid) for pid in told["pids"].values()))


def test_a_home_that_is_made_for_clients_says_what_to_set(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", START, "up", "--create", "--no-controller"], cwd=tmp_path, stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    try:
        assert process.stderr is not None
        line = next(each for each in process.stderr if "MLflow's clients: " in each)
        shown = subprocess.run(
            ["sh", "-c", f"{line.partition(': ')[2]}\necho $MLFLOW_TRACKING_URI $MLFLOW_TRACKING_TOKEN"],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        url, token = shown.stdout.split()
        assert ask(url, "GET", "/api/2.0/mlflow/experiments/get?experiment_id=0", token)[0] == 200
    finally:
        process.terminate()
        process.communicate(timeout=120)
