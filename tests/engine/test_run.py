"""Sessions on local workers: the shared suite, and what is its own."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from argosy.engine.contract import Engine, Result, Work
from argosy.engine.local import Local
from argosy.testing.engine import gone
from argosy.testing.logs import LogConformance
from argosy.testing.session import SessionConformance, finish, kinds, work
from argosy.testing.turns import TurnConformance
from argosy.testing.works import WorkConformance


class TestRun(SessionConformance, TurnConformance, WorkConformance):
    @pytest.fixture
    def engine(self) -> Iterator[Engine]:
        with Local(2, backoff=0.01) as engine:
            yield engine


class TestLogs(LogConformance):
    @pytest.fixture
    def engine(self) -> Iterator[Engine]:
        with Local(2, backoff=0.01) as engine:
            yield engine


_OWNER = """
import sys, time
from argosy.engine.local import Local
from argosy.engine.contract import Work
with Local(2) as engine, engine.session(logs=True) as session:
    session.submit([Work(str(n), "argosy.testing.chores:shout", (3, "hang")) for n in range(2)])
    while not all(each.log and each.log.stat().st_size for each in session.running().values()):
        session.results(0.01)
    logs = [each.log for each in session.running().values()]
    print(*(log.name.partition("-")[0] for log in logs), logs[0].parent, flush=True)
    session.results(60)
"""


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_nothing_outlives_its_owner(how: signal.Signals) -> None:
    owner = subprocess.Popen([sys.executable, "-c", _OWNER], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    *pids, folder = owner.stdout.readline().split()
    assert len(pids) == 2 and Path(folder).is_dir()
    owner.send_signal(how)
    owner.communicate(timeout=60)
    assert gone(*map(int, pids))
    deadline = time.monotonic() + 60
    while Path(folder).exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_loss_of_the_nursery_is_survived() -> None:
    with Local(2) as engine, engine.session(logs=True) as session:
        session.submit([Work("nursery", "os:getppid")])
        nursery = finish(session)["nursery"].value
        session.submit([work(f"w{n}", "sleep", 0.01) for n in range(40)])
        session.submit([work(f"a{n}", "shout", 3, "fine", alone=True) for n in range(10)])
        session.results(10)
        os.kill(nursery, signal.SIGKILL)
        found = finish(session)
    assert len(found) >= 49 and not kinds(found)
    assert all(result.log == b"first\nxxxlast\n" for key, result in found.items() if key.startswith("a"))


def test_pool_that_joblib_keeps_is_no_failure() -> None:
    with Local(1) as engine, engine.session() as session:
        session.submit([Work(f"{n}", "tests.engine.chores_learning:spread") for n in range(2)])
        found = finish(session)
    assert not kinds(found)
    first, second = (set(found[str(n)].value) for n in range(2))
    assert first and second and not first & second
    assert gone(*first, *second)


def test_chance_is_passed_in() -> None:
    class Never(Random):
        def uniform(self, a: float, b: float) -> float:
            raise ArithmeticError("asked")

    with Local(1, random=Never()) as engine, engine.session() as session:
        session.submit([work("a", "behave", "raise", retries=1)])
        with pytest.raises(ArithmeticError, match="asked"):
            session.results(10)


@pytest.mark.slow
@pytest.mark.fault
@pytest.mark.parametrize("seed", range(3))
def test_every_work_has_one_result_whatever_happens(seed: int) -> None:
    chance = Random(seed)
    behaviours = ["fine"] * 30 + ["raise", "leave", "lambda", "exit", "segfault", "hang"]
    with Local(3, backoff=0.01) as engine, engine.session(logs=True, chunk_seconds=0.2) as session:
        wanted: dict[str, Work] = {}
        found: dict[str, Result] = {}
        for step in range(40):
            works = [
                work(
                    f"{step}/{n}",
                    "shout",
                    chance.randrange(100),
                    chance.choice(behaviours),
                    timeout=0.3,
                    retries=chance.randrange(2),
                    alone=chance.random() < 0.05,
                    priority=chance.randrange(3),
                    group=chance.choice("abc"),
                )
                for n in range(chance.randrange(20))
            ]
            wanted |= {made.key: made for made in works}
            session.submit(works)
            if chance.random() < 0.2:
                session.drop(chance.sample(sorted(wanted), len(wanted) // 10))
            if chance.random() < 0.2 and (at_work := list(session.running().values())) and (path := at_work[0].log):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(path.name.partition("-")[0]), signal.SIGKILL)
            for result in session.results(chance.random() / 20):
                assert found.setdefault(result.key, result) is result
        for key, result in finish(session, within=120).items():
            assert found.setdefault(key, result) is result
    assert found.keys() == wanted.keys()
    usual = {"fine": None, "exit": "crash", "segfault": "crash", "hang": "timeout"}
    for key, result in found.items():
        size, how = wanted[key].arguments
        failure = result.failure
        if not failure or (failure.kind != "cancelled" and "killed from outside" not in failure.message):
            assert (failure and failure.kind) == usual.get(how, "exception")
            assert result.log == b"first\n" + b"x" * size + b"last\n"
