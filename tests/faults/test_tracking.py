"""The server is killed while eight clients log: what it acknowledged is there; what it did not is whole or absent."""

from __future__ import annotations

import hashlib
import http.client
import json
import random
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from argosy.server import secret
from argosy.store import Store, artifacts
from argosy.store.tracking import files, metrics, runs, texts

HERE = Path(__file__).parent
PREFIX = "/api/2.0/mlflow/"
WRITERS, KILLS = 8, 4


class Server:
    """The process, started again and again on one port."""

    def __init__(self, home: Path) -> None:
        with Store.open(home) as store:
            self.token = secret.issue(store, "ann", secret.ADMIN, datetime.now(UTC))
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self._home = home

    def start(self) -> None:
        command = [sys.executable, str(HERE / "tracker.py"), str(self._home), str(self.port)]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None and self._process.stdout.readline() == "listening\n"

    def kill(self) -> None:
        self._process.kill()
        self._process.wait(60)
        assert self._process.stdout is not None
        self._process.stdout.close()


class Writer(threading.Thread):
    """One client: it logs without a pause, notes what was acknowledged, and waits while nobody answers."""

    def __init__(self, server: Server, number: int, ended: threading.Event) -> None:
        super().__init__(name=f"writer-{number}")
        self._server, self._number, self._ended = server, number, ended
        self._connection: http.client.HTTPConnection | None = None
        self.runs: dict[str, dict[str, Any]] = {}
        self.refused: list[str] = []

    def run(self) -> None:
        count = 0
        while not self._ended.is_set():
            made = self._call("POST", "runs/create", {"experiment_id": "0", "start_time": 1})
            if made is None:
                continue
            id = made["run"]["info"]["run_id"]
            held = self.runs[id] = {"points": set(), "parameters": {}, "tags": {}, "files": {}}
            for _ in range(30):
                count += 1
                self._log(id, held, count)
        self._close()

    def _log(self, id: str, held: dict[str, Any], count: int) -> None:
        many = [{"key": f"k{n}", "value": count + n / 8, "timestamp": count, "step": count} for n in range(20)]
        batch = {"run_id": id, "metrics": many, "params": [{"key": f"b{count}", "value": "x" * 50}]}
        point = {"run_id": id, "key": "m", "value": count / 4, "timestamp": count, "step": count}
        if self._call("POST", "runs/log-metric", point) is not None:
            held["points"].add(("m", count / 4, count))
        if self._call("POST", "runs/log-batch", batch) is not None:
            held["points"].update((each["key"], each["value"], count) for each in many)
            held["parameters"][f"b{count}"] = "x" * 50
        if self._call("POST", "runs/set-tag", {"run_id": id, "key": "t", "value": str(count)}) is not None:
            held["tags"]["t"] = max(int(held["tags"].get("t", 0)), count)
        if count % 10 == 0:
            data = random.Random(count * WRITERS + self._number).randbytes(40_000 if count % 20 else 200)
            path = f"0/{id}/artifacts/f{count}"
            if self._call("PUT", f"/api/2.0/mlflow-artifacts/artifacts/{path}", data) is not None:
                held["files"][path] = hashlib.sha256(data).hexdigest()

    def _call(self, method: str, path: str, body: Any) -> Any:
        """The answer; None where the server died before it gave one."""
        headers = {"authorization": f"Bearer {self._server.token}", "content-type": "application/json"}
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        try:
            if self._connection is None:
                self._connection = http.client.HTTPConnection("127.0.0.1", self._server.port, timeout=60)
            self._connection.request(method, path if path[0] == "/" else PREFIX + path, data, headers)
            answer = self._connection.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException):
            self._close()
            time.sleep(0.05)
            return None
        if answer.status != 200:
            self.refused.append(f"{path}: {answer.status} {text[:200]!r}")
            return None
        return json.loads(text)

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def logged(writers: list[Writer]) -> int:
    """How many points of metrics were acknowledged so far."""
    return sum(len(held["points"]) for writer in writers for held in list(writer.runs.values()))


def more_than(writers: list[Writer], runs: int, least: int) -> None:
    """Wait until more than so many runs and points were acknowledged."""
    end = time.monotonic() + 120
    while sum(len(writer.runs) for writer in writers) <= runs or logged(writers) <= least:
        assert time.monotonic() < end, [writer.refused for writer in writers]
        time.sleep(0.01)


@pytest.fixture
def server(home: Path) -> Iterator[Server]:
    server = Server(home)
    server.start()
    yield server
    server.kill()


@pytest.mark.fault
@pytest.mark.slow
def test_what_was_acknowledged_before_the_server_was_killed_is_there(server: Server, home: Path) -> None:
    ended, dice = threading.Event(), random.Random(7)
    writers = [Writer(server, number, ended) for number in range(WRITERS)]
    for writer in writers:
        writer.start()
    for _ in range(KILLS):
        more_than(writers, 0, logged(writers) + 300)
        time.sleep(dice.random() / 2)
        server.kill()
        server.start()
    more_than(writers, KILLS, logged(writers) + 300)
    ended.set()
    for writer in writers:
        writer.join(60)
    assert [each for writer in writers for each in writer.refused] == []
    acknowledged = {id: held for writer in writers for id, held in writer.runs.items()}
    with Store.open(home) as store, store.read() as conn:
        assert conn.exec_driver_sql("PRAGMA integrity_check").scalar_one() == "ok"
        for id, held in acknowledged.items():
            run = runs.get(conn, id)
            points = [point for n in ("m", *(f"k{n}" for n in range(20))) for point in metrics.history(conn, run.id, n)]
            there = {(p.key, p.value, p.step) for p in points}
            assert held["points"] <= there and len(points) == len(there)
            given = texts.of(conn, texts.PARAMETER, [run.id]).get(run.id, {})
            assert held["parameters"].items() <= given.items()
            # what was not acknowledged is there as a whole, or not at all
            assert {int(key[1:]) for key in given} == {step for key, _, step in there if key == "k0"}
            for step in {step for key, _, step in there if key == "k0"}:
                assert sum(1 for key, _, at in there if at == step and key != "m") == 20
            assert int(texts.of(conn, texts.TAG, [run.id])[run.id].get("t", 0)) >= held["tags"].get("t", 0)
            for path, digest in held["files"].items():
                found = files.get(conn, path)
                assert hashlib.sha256(artifacts.content(store.blobs, found)).hexdigest() == digest == found.digest
