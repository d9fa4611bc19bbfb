"""A trusted pickle that does its worst in a server: its own rows fall to another, and nobody else notices."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from argosy.model.matrix import Matrix
from argosy.model.trusted import content
from tests.serving.conftest import SIGNATURE, Fixture, fleet
from tests.serving.served import URL, body, outputs, tensor
from tests.serving.test_server import GIVEN, Running

__all__ = ["fleet"]

pytestmark = [pytest.mark.fault, pytest.mark.slow]
WIDTH = len(SIGNATURE.features)
HANGS, DIES = 1000.0, 2000.0


class Sick:
    """A classifier that hangs on some distances, and ends its process on others."""

    def predict_proba(self, rows: Matrix) -> Any:
        while HANGS in rows:
            pass
        if DIES in rows:
            os.abort()
        return np.tile([0.75, 0.25], (len(rows), 1))


@pytest.fixture
def sick(fleet: Fixture) -> Fixture:
    """The champion of JFK/AA is a pickle."""
    made = "pickle", content.pack(Sick(), WIDTH, "binary", np.zeros((1, WIDTH)))
    fleet.add_version("JFK/AA", 9, made=made)
    return fleet


@pytest.fixture
def running(sick: Fixture) -> Iterator[Running]:
    server = Running(sick.store.home)
    yield server
    server.stop()
    server.client.close()


def ask(server: Running, carrier: str = "AA", distance: float = 0.25) -> tuple[float, str, str]:
    """The answer to a row, who gave it, and by which route."""
    given = {"carrier": tensor("carrier", "BYTES", [carrier]), "distance": tensor("distance", "FP64", [distance])}
    found = outputs(server.client.post(URL, json=body(**GIVEN, **given)))
    return found["prediction"][0], found["version"][0], found["route"][0]


def apart(server: Running) -> dict[int, int]:
    """The processes that pickles live in, each with the worker that asks it."""
    workers = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text().split()
    found = {}
    for each in Path("/proc").glob("[0-9]*"):
        try:
            words, parent = (each / "cmdline").read_bytes(), (each / "stat").read_text().rpartition(")")[2].split()[1]
        except OSError:  # it has ended meanwhile
            continue
        if b"argosy.model.trusted.child" in words and parent in workers:
            found[int(each.name)] = int(parent)
    return found


OWN = (0.25, "late-arrival/JFK/AA@2", "own")


def test_one_that_hangs_keeps_nobody_waiting_but_itself(running: Running) -> None:
    assert ask(running) == OWN
    found: list[tuple[float, str, str]] = []
    thread = threading.Thread(target=lambda: found.append(ask(running, distance=HANGS)))
    thread.start()
    slowest, count = 0.0, 0
    while thread.is_alive():
        began = time.monotonic()
        assert ask(running, "B6")[1] == "late-arrival/JFK/B6@1"
        slowest, count = max(slowest, time.monotonic() - began), count + 1
    assert count > 100 and slowest < 1.0
    assert found[0][1:] == ("late-arrival/*@1", "fallback")
    assert ask(running)[1:] == ("late-arrival/*@1", "fallback")  # it rests
    time.sleep(5.5)
    assert ask(running) == OWN


def test_one_that_hangs_with_many_callers_takes_no_threads_of_others(running: Running) -> None:
    assert ask(running) == OWN
    threads = [threading.Thread(target=lambda: _tried(running, distance=HANGS)) for _ in range(12)]
    for each in threads:
        each.start()
    time.sleep(0.3)
    slowest = 0.0
    while any(each.is_alive() for each in threads):
        began = time.monotonic()
        rows = body(300, **{name: tensor(name, "FP64", [1.0] * 300) for name in GIVEN})
        rows["inputs"] = [each for each in rows["inputs"] if each["name"] != "carrier"]
        rows["inputs"].append(tensor("carrier", "BYTES", ["B6"] * 300))
        assert set(outputs(running.client.post(URL, json=rows))["version"]) == {"late-arrival/JFK/B6@1"}
        slowest = max(slowest, time.monotonic() - began)
    assert 0.0 < slowest < 1.0


def test_one_that_dies_under_load_is_stood_for_and_comes_back(running: Running) -> None:
    for _ in range(3):
        assert ask(running, distance=DIES)[1:] == ("late-arrival/*@1", "fallback")
    metrics = running.client.get("/metrics").text
    assert 'argosy_version_failures_total{version="late-arrival/JFK/AA@2"} 3' in metrics
    time.sleep(5.5)
    assert ask(running) == OWN
    (process,) = apart(running)
    os.kill(process, signal.SIGKILL)  # by whoever: no row of its own did it
    time.sleep(0.2)
    assert ask(running) == OWN


def test_its_process_ends_with_the_server(running: Running) -> None:
    assert ask(running) == OWN
    ((process, worker),) = apart(running).items()
    os.kill(worker, signal.SIGKILL)
    _gone(process)
    end = time.monotonic() + 30
    while (answer := _tried(running)) != OWN:
        assert time.monotonic() < end, answer
    (process,) = apart(running)
    assert running.stop() == 0
    _gone(process)


def test_none_is_loaded_where_no_code_is_run(sick: Fixture) -> None:
    server = Running(sick.store.home, trusted=False)
    try:
        assert ask(server)[1:] == ("late-arrival/*@1", "fallback")
        assert ask(server, "B6")[1:] == ("late-arrival/JFK/B6@1", "own")
        assert apart(server) == {}
    finally:
        assert server.stop() == 0
        server.client.close()


def _tried(server: Running, distance: float = 0.25) -> tuple[float, str, str] | str:
    try:
        return ask(server, distance=distance)
    except Exception as error:  # the worker is started again meanwhile
        return repr(error)


def _state(process: int) -> str:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return ""


def _gone(process: int) -> None:
    end = time.monotonic() + 20
    while (state := _state(process)) not in ("", "Z"):  # whoever takes orphans in may not look after them at once
        assert time.monotonic() < end, f"it lives on: {state}"
        time.sleep(0.05)
