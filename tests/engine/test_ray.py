"""The engine of a cluster, on a cluster of this machine: the suites that every engine passes, and what is its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from argosy.engine.cluster import Cluster
from argosy.engine.contract import Engine
from argosy.engine.ray import Ray
from argosy.errors import ArgosyError, InputError
from argosy.testing import chores
from argosy.testing.engine import EngineConformance, alive, gather, gone, tasks
from argosy.testing.logs import LogConformance
from argosy.testing.session import SessionConformance, finish, kinds, work
from argosy.testing.tasks import TaskConformance
from argosy.testing.turns import TurnConformance
from argosy.testing.usage import UsageConformance
from argosy.testing.works import WorkConformance

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with Cluster(cpus=2) as cluster:
        cluster.connect()
        yield cluster


@pytest.fixture(scope="module")
def warm() -> Iterator[list[Ray]]:
    """The engine that the last test left, if it is fit for another one."""
    engines: list[Ray] = []
    yield engines
    for engine in engines:
        engine.close()


@pytest.fixture
def shared(cluster: Cluster, warm: list[Ray]) -> Engine:
    try:
        warm[0].session().close()
    except (ArgosyError, IndexError):  # a test has closed it, or this is the first one
        warm[:] = [Ray(cluster, 2, backoff=0.01)]
    return warm[0]


@pytest.fixture
def free(cluster: Cluster, warm: list[Ray]) -> Cluster:
    """The cluster without an engine on it."""
    for engine in warm:
        engine.close()
    return cluster


class TestEngine(EngineConformance, TaskConformance):
    @pytest.fixture
    def engine(self, shared: Engine) -> Engine:  # type: ignore[override]
        return shared


class TestUsage(UsageConformance):
    @pytest.fixture
    def engine(self, free: Cluster) -> Iterator[Engine]:
        """One whose workers hold nothing yet."""
        with Ray(free, 2, backoff=0.01) as engine:
            yield engine


class TestSession(SessionConformance, TurnConformance, WorkConformance):
    @pytest.fixture
    def engine(self, shared: Engine) -> Engine:  # type: ignore[override]
        return shared

    def test_each_work_has_its_own_retries(self, free: Cluster, tmp_path: Path) -> None:  # type: ignore[override]
        """In workers that have run nothing: in others, the first crash is doubted."""
        with Ray(free, 2, backoff=0.01) as engine, engine.session() as session:
            super().test_each_work_has_its_own_retries(session, tmp_path)


class TestLogs(LogConformance):
    @pytest.fixture
    def engine(self, shared: Engine) -> Engine:  # type: ignore[override]
        return shared


def actor(pid: int) -> int:
    """The process that Ray started, above the worker and the process that this was forked from."""
    for _ in range(2):
        pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    return pid


def test_work_whose_actor_is_killed_runs_again_and_is_charged_the_third_time(shared: Engine, tmp_path: Path) -> None:
    with shared.session() as session:
        session.submit([work("long", "log", str(tmp_path), "long", 60.0), work("other", "square", 3)])
        for count in range(1, 4):
            deadline = time.monotonic() + 120
            while len(seen := _seen(tmp_path / "long")) < count:
                assert time.monotonic() < deadline
                session.results(0.1)
            os.kill(actor(seen[-1]), signal.SIGKILL)
            assert gone(seen[-1])
        session.submit([work(str(n), "square", n) for n in range(20)])
        found = finish(session, within=120)
    assert kinds(found) == {"long": "crash"}
    assert "lost" in found["long"].failure.message and found["long"].attempts == 3  # type: ignore[union-attr]


def _seen(path: Path) -> list[int]:
    return [int(line) for line in path.read_text().split()] if path.exists() else []


_OWNER = """
import sys
from argosy.engine.cluster import Cluster
from argosy.engine.contract import Work
from argosy.engine.ray import Ray
with Cluster(cpus=1) as cluster, Ray(cluster) as engine, engine.session() as session:
    session.submit([Work("pid", "os:getpid")])
    (result,) = session.results(120)
    session.submit([Work("long", "time:sleep", (60,))])
    session.results(0.1)
    print(result.value, flush=True)
    session.results(60)
"""


@pytest.mark.fault
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_nothing_outlives_its_owner(how: signal.Signals) -> None:
    owner = subprocess.Popen([sys.executable, "-c", _OWNER], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    worker = int(owner.stdout.readline())
    above = actor(worker)
    assert alive(above)
    owner.send_signal(how)
    owner.communicate(timeout=60)
    assert gone(worker, above, within=60)


def test_function_of_a_project_elsewhere(free: Cluster, tmp_path: Path) -> None:
    (tmp_path / "faraway.py").write_text("def double(x):\n    return 2 * x\n")
    with Ray(free, 1, paths=[tmp_path]) as engine:
        assert gather(engine.map("faraway:double", tasks(4)))["0"].value == 8


def test_preload_that_cannot_be_imported(free: Cluster) -> None:
    with Ray(free, 1, preload=["json", "no_such_module"]) as engine, pytest.raises(ArgosyError, match="no_such_module"):
        list(engine.map(chores.square, tasks(1)))


def test_a_program_that_is_on_ray_keeps_its_connection(cluster: Cluster) -> None:
    ray = cluster.connect()
    with Cluster() as other:
        assert other.connect() is ray and other.cpus == 2
    assert ray.is_initialized()


def test_number_of_workers(cluster: Cluster) -> None:
    with pytest.raises(InputError, match="workers is 0"):
        Ray(cluster, 0)
    assert Ray(cluster).workers == 2
