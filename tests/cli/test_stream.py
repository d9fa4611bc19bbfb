"""`argosy stream`, against a real Redis server."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.redis import Server

START = "import sys; from argosy.cli import main; sys.exit(main())"
ROW = {"left_at": "2026-03-02T17:30:00Z", "depot": "north", "kilometres": 12, "parcels": 4}


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[Server]:
    (tmp_path / "redis").mkdir()
    server = Server(tmp_path / "redis")
    yield server
    server.close()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--from", "orders", "--to", "out"], "no address of a stream"),
        (["--from", "redis://cache/in", "--to", "redis://other/out"], "--to is on redis://other:6379"),
        (["--from", "redis://cache/in", "--to", "in"], "three different streams"),
        (["--from", "redis://cache/in", "--to", "out", "--dead", "out"], "three different streams"),
        (["--from", "redis://cache/in", "--to", "out", "--batch", "0"], "--batch is 0"),
        (["--from", "redis://cache/in", "--to", "out", "--wait", "-1"], "--wait is -1"),
        (["--from", "redis://cache/in", "--to", "out", "--idle", "0"], "--idle is 0"),
        (["--from", "redis://cache/in"], "--to"),
    ],
)
def test_what_cannot_be_meant_is_refused(run, arguments: list[str], said: str) -> None:
    done = run("stream", "late-order", *arguments)
    assert done.code == 2 and said in done.err


@pytest.mark.slow
def test_a_broker_that_is_not_there_and_a_fleet_that_is_none(inside: Path, redis: Server) -> None:
    def done(fleet: str) -> tuple[int, str]:
        arguments = ["stream", fleet, "--from", f"{redis.url}/in", "--to", "out", "--once"]
        ended = subprocess.run([sys.executable, "-c", START, *arguments], capture_output=True, text=True)
        return ended.returncode, ended.stderr

    code, said = done("nothing")
    assert code == 2 and "'nothing'" in said
    redis.kill()
    code, said = done("late-order")
    assert code == 1 and f"{redis.url} is not there" in said and "next:" in said


@pytest.mark.slow
def test_a_stop_settles_what_was_read(late: Path, tmp_path: Path, redis: Server) -> None:
    shutil.copytree(late, tmp_path / "late")
    command = [
        sys.executable,
        "-c",
        START,
        "stream",
        "late-order",
        "--from",
        f"{redis.url}/in",
        "--to",
        "out",
        "--json",
    ]
    process = subprocess.Popen([*command, "--batch", "20"], cwd=tmp_path / "late", stdout=subprocess.PIPE)
    pipe = redis.client.pipeline()
    for number in range(2_000):
        pipe.xadd("in", {"data": json.dumps(ROW), "key": f"k{number}"})
    pipe.execute()
    end = time.monotonic() + 120
    while not redis.client.xlen("out"):
        assert time.monotonic() < end and process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    counts = json.loads(out)
    assert counts["answered"] == counts["rows"] == redis.client.xlen("out") and counts["dead"] == 0
    assert redis.client.xpending("in", "argosy-late-order")["pending"] == 0
    assert {fields[b"key"] for _, fields in redis.client.xrange("out")} == {
        f"k{number}".encode() for number in range(counts["answered"])
    }


@pytest.mark.slow
def test_without_the_client_of_the_broker_it_says_what_to_install(inside: Path) -> None:
    hide = "import sys; sys.modules['redis'] = sys.modules['aiokafka'] = None; "
    for scheme in ("redis", "kafka"):
        arguments = ["stream", "late-order", "--from", f"{scheme}://127.0.0.1/in", "--to", "out"]
        done = subprocess.run([sys.executable, "-c", hide + START, *arguments], capture_output=True, text=True)
        assert done.returncode == 1 and f"pip install 'argosy[{scheme}]'" in done.stderr
