"""Consumers of a stream are killed at random moments: every message is answered, and on Redis told once."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import polars as pl
import pytest

from tests.redis import Server
from tests.serving.conftest import Fixture, fleet
from tests.serving.stream.conftest import record

__all__ = ["fleet"]
pytestmark = [pytest.mark.fault, pytest.mark.slow]

MESSAGES, KILLS, PATIENCE = 6_000, 14, 240.0
CONSUMER = """
import ctypes, json, sys
from pathlib import Path
from argosy.serving.stream.address import parse
from argosy.serving.stream.flow import Pace
from argosy.serving.stream.service import Options, run
ctypes.CDLL(None).prctl(1, 9)  # it must not outlive the test that started it
home, source = sys.argv[1:]
def begun(measures):
    print("begun", flush=True)
done = run(Options(
    home=home, fleet="late-arrival", source=parse(source, "--from"), to="out", dead="dead", group="g",
    predictions=Path(home, "predictions"), idle_seconds=1.0, pace=Pace(most=25),
), begun)
print(json.dumps(done.answered), flush=True)
"""


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[Server]:
    (tmp_path / "redis").mkdir()
    server = Server(tmp_path / "redis")
    yield server
    server.close()


class Consumers:
    """Processes that share the messages of a stream."""

    def __init__(self, home: Path, redis: Server, count: int) -> None:
        self._command = [sys.executable, "-c", CONSUMER, str(home), f"{redis.url}/in"]
        self._running = [self._start() for _ in range(count)]

    def kill(self, place: int) -> None:
        """Kill one, and start another in its place."""
        process = self._running[place]
        assert process.poll() is None
        process.kill()
        process.communicate(timeout=60)
        self._running[place] = self._start()

    def stop(self) -> list[int]:
        """Let them end; how many messages each has answered since it was started."""
        for each in self._running:
            assert each.stdout is not None
            assert each.stdout.readline() == b"begun\n"
            each.send_signal(signal.SIGTERM)
        told = [each.communicate(timeout=120)[0] for each in self._running]
        assert [each.returncode for each in self._running] == [0] * len(self._running)
        return [json.loads(each.splitlines()[-1]) for each in told]

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(self._command, stdout=subprocess.PIPE)


def produce(redis: Server, begun: threading.Event) -> None:
    """Add messages as fast as they are answered, so that there is always something to do and never all of it."""
    for start in range(0, MESSAGES, 50):
        while begun.is_set() and redis.client.xlen("out") < start - 1_000:
            time.sleep(0.002)
        pipe = redis.client.pipeline()
        for number in range(start, start + 50):
            row = record(number, temp=1.0, wind=2.0)
            pipe.xadd("in", {"data": json.dumps(row), "key": f"k{number}"})
        pipe.execute()


def eventually(check: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not check():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_consumers_that_are_killed_lose_nothing_and_double_nothing(fleet: Fixture, redis: Server) -> None:
    draw, begun = random.Random(5), threading.Event()
    begun.set()
    producer = threading.Thread(target=produce, args=(redis, begun))
    home = Path(fleet.store.home)
    consumers = Consumers(home, redis, 2)
    try:
        producer.start()
        for kill in range(KILLS):
            at = (kill + 1) * MESSAGES // (KILLS + 2) + draw.randint(0, 150)
            eventually(lambda at=at: redis.client.xlen("out") >= at)
            consumers.kill(draw.randrange(2))
        eventually(lambda: redis.client.xlen("out") >= MESSAGES)
        producer.join()
    finally:
        begun.clear()
        producer.join()
        consumers.stop()
    told = [fields[b"key"].decode() for _, fields in redis.client.xrange("out")]
    assert sorted(told) == sorted(f"k{number}" for number in range(MESSAGES))
    assert redis.client.xlen("dead") == 0 and redis.client.xpending("in", "g")["pending"] == 0
    rows = pl.concat([pl.read_ipc(path, columns=["row_key"]) for path in (home / "predictions").rglob("*.arrow")])
    assert set(rows["row_key"]) == {f"f{number}" for number in range(MESSAGES)}


def test_consumers_of_one_group_share_its_messages(fleet: Fixture, redis: Server) -> None:
    consumers = Consumers(Path(fleet.store.home), redis, 2)
    eventually(lambda: redis.client.info("clients")["blocked_clients"] == 2)
    begun = threading.Event()
    begun.set()
    produce(redis, begun)
    eventually(lambda: redis.client.xlen("out") >= MESSAGES)
    answered = consumers.stop()
    assert sum(answered) == redis.client.xlen("out") == MESSAGES and min(answered) > 0
