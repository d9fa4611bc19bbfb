"""The suite that every engine passes. Subclass it and override the `engine` fixture."""
# ruff: noqa: D102 (a test's name says what it proves)

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from argosy.engine.contract import Engine, Progress, Result, Task
from argosy.errors import ArgosyError, InputError
from argosy.testing import chores

_MB = 1 << 20


def gather(results: Iterator[Result]) -> dict[str, Result]:
    """Results by key; fails if a key came twice."""
    found: dict[str, Result] = {}
    for result in results:
        assert result.key not in found
        found[result.key] = result
    return found


def tasks(*arguments: Any) -> list[Task]:
    """Tasks of one argument each, keyed by their number."""
    return [Task(str(number), (argument,)) for number, argument in enumerate(arguments)]


def alive(pid: int) -> bool:
    """Whether a process runs; one that is dead and not yet collected does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def gone(*pids: int, within: float = 5.0) -> bool:
    """Whether all processes end in time."""
    deadline = time.monotonic() + within
    while any(alive(pid) for pid in pids):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


class EngineConformance:
    """What `Engine` promises, as tests. The engine under test has two workers."""

    @pytest.fixture
    def engine(self) -> Iterator[Engine]:
        """Yield the engine under test with two workers and close it."""
        raise NotImplementedError

    def test_every_task_has_one_result(self, engine: Engine) -> None:
        found = gather(engine.map(chores.square, tasks(*range(500))))
        assert {int(key): result.value for key, result in found.items()} == {n: n * n for n in range(500)}
        assert all(result.failure is None and result.attempts == 1 for result in found.values())

    def test_no_tasks_no_results(self, engine: Engine) -> None:
        assert list(engine.map(chores.square, [])) == []

    def test_function_by_name(self, engine: Engine) -> None:
        found = gather(engine.map("argosy.testing.chores:square", tasks(7)))
        assert found["0"].value == 49

    def test_workers_are_reused(self, engine: Engine) -> None:
        first = {result.value for result in engine.map(chores.process, [Task(str(n)) for n in range(20)])}
        again = {result.value for result in engine.map(chores.process, [Task(str(n)) for n in range(20)])}
        assert os.getpid() not in first | again
        assert len(first | again) <= 2

    def test_one_thread_per_library(self, engine: Engine) -> None:
        names = ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "POLARS_MAX_THREADS"]
        assert {result.value for result in engine.map(chores.environment, tasks(*names))} == {"1"}

    def test_arrays_travel_both_ways(self, engine: Engine) -> None:
        array = np.arange(1_000_000, dtype=np.float64)
        found = gather(engine.map("numpy:negative", [Task(str(n), (array[n:],)) for n in range(4)]))
        for number in range(4):
            np.testing.assert_array_equal(found[str(number)].value, -array[number:])

    @pytest.mark.parametrize(
        ("how", "kind", "words"),
        [
            ("raise", "exception", "ValueError: a bad row"),
            ("leave", "exception", "SystemExit: 4"),
            ("lambda", "exception", "cannot be sent back"),
            ("exit", "crash", "exit code 3"),
            ("segfault", "crash", "SIGSEGV"),
            ("kill", "crash", "SIGKILL"),
            ("hang", "timeout", "limit is 0.3 s"),
        ],
    )
    def test_bad_task_costs_itself_only(self, engine: Engine, how: str, kind: str, words: str) -> None:
        behaviours = ["fine"] * 60
        for place in (3, 20, 21, 59):
            behaviours[place] = how
        found = gather(engine.map(chores.behave, tasks(*behaviours), timeout=0.3))
        bad = {key for key, result in found.items() if result.failure}
        assert bad == {"3", "20", "21", "59"}
        for key in bad:
            failure = found[key].failure
            assert failure is not None and failure.kind == kind and words in failure.message
            assert len(failure.message) <= 500 and len(failure.traceback) <= 4_000
        assert {found[str(n)].value for n in range(60) if str(n) not in bad} == {"fine"}

    def test_exception_shows_where(self, engine: Engine) -> None:
        failure = gather(engine.map(chores.behave, tasks("raise")))["0"].failure
        assert failure is not None and "in behave" in failure.traceback

    def test_memory_limit(self, engine: Engine) -> None:
        sizes = [1, 1, 400 * _MB, 1, 1]
        work = [Task(str(n), (size, 0.2 if size > 1 else 0.0)) for n, size in enumerate(sizes)]
        found = gather(engine.map(chores.grow, work, memory=250 * _MB))
        failures = {key: result.failure.kind for key, result in found.items() if result.failure}
        assert failures == {"2": "memory"}

    def test_brief_excess_of_memory_is_seen(self, engine: Engine) -> None:
        found = gather(engine.map(chores.grow, [Task("brief", (300 * _MB, 0.0))], memory=250 * _MB))
        failure = found["brief"].failure
        assert failure is not None and failure.kind == "memory"

    def test_memory_kept_by_a_neighbour_is_not_charged(self, engine: Engine) -> None:
        found = gather(engine.map(chores.keep, tasks(*[60 * _MB] * 8), memory=200 * _MB))
        assert not [result for result in found.values() if result.failure]

    def test_memory_limit_below_an_idle_worker(self, engine: Engine) -> None:
        with pytest.raises(InputError, match="memory limit 1,000 bytes is below"):
            list(engine.map(chores.square, tasks(1), memory=1_000))

    def test_usage_is_measured(self, engine: Engine) -> None:
        found = gather(engine.map(chores.grow, [Task("large", (200 * _MB, 0.1)), Task("small", (1, 0.0))]))
        assert found["large"].peak_bytes > 200 * _MB > found["small"].peak_bytes > _MB
        assert 0.1 <= found["large"].wall_s < 5
        assert 0 < found["large"].cpu_s < 5

    @pytest.mark.parametrize("how", ["raise", "exit", "hang"])
    def test_retries(self, engine: Engine, tmp_path: Path, how: str) -> None:
        work = [Task(str(n), (str(tmp_path), str(n), 99 if n == 3 else n, how)) for n in range(4)]
        found = gather(engine.map(chores.limp, work, retries=2, timeout=0.3))
        assert [found[str(n)].value for n in range(3)] == [1, 2, 3]
        assert found["3"].failure is not None
        assert found["1"].attempts == 2
        assert found["3"].attempts >= 3

    def test_arguments_that_cannot_be_sent(self, engine: Engine) -> None:
        found = gather(engine.map(chores.behave, [Task("bad", (lambda: 1,)), *tasks("a", "b", "c", "d")]))
        failure = found.pop("bad").failure
        assert failure is not None and failure.kind == "exception" and "cannot be sent" in failure.message
        assert [found[str(n)].value for n in range(4)] == ["a", "b", "c", "d"]

    @pytest.mark.parametrize(("how", "kind"), [("raise", "exception"), ("exit", "crash")])
    def test_arguments_that_cannot_be_read(self, engine: Engine, how: str, kind: str) -> None:
        work = [*tasks("a", "b", "c", "d", "e", "f"), Task("bad", (chores.Hostile(how),)), Task("last", ("g",))]
        found = gather(engine.map(chores.behave, work))
        failure = found.pop("bad").failure
        assert failure is not None and failure.kind == kind
        assert not [result for result in found.values() if result.failure]

    def test_value_that_cannot_be_read_back(self, engine: Engine) -> None:
        found = gather(engine.map(chores.Hostile, tasks("fine", "raise", "fine")))
        failure = found["1"].failure
        assert failure is not None and failure.kind == "exception" and "cannot be read back" in failure.message
        assert found["0"].value == found["2"].value == "fine"

    def test_function_that_workers_cannot_import(self, engine: Engine) -> None:
        with pytest.raises(InputError, match="nowhere"):
            list(engine.map("nowhere.at_all:f", tasks(1)))
        assert gather(engine.map(chores.square, tasks(2)))["0"].value == 4

    def test_function_that_cannot_travel(self, engine: Engine) -> None:
        with pytest.raises(InputError, match="cannot be found by a worker"):
            engine.map(lambda number: number, tasks(1))

    def test_repeated_key(self, engine: Engine) -> None:
        with pytest.raises(InputError, match="two works have the key 'a'"):
            engine.map(chores.square, [Task("a", (1,)), Task("a", (2,))])

    @pytest.mark.parametrize("limit", ["timeout", "memory", "chunk_seconds", "retries"])
    def test_limit_out_of_range(self, engine: Engine, limit: str) -> None:
        limits: dict[str, Any] = {limit: -1}
        with pytest.raises(InputError, match=f"{limit} is -1"):
            engine.map(chores.square, tasks(1), **limits)

    def test_cancel(self, engine: Engine) -> None:
        results = engine.map(chores.sleep, tasks(0.0, 30.0, 30.0, 30.0, 30.0), chunk_seconds=0.01)
        threading.Timer(0.5, engine.cancel).start()
        found = gather(results)
        kinds = [found[str(n)].failure.kind for n in range(1, 5) if found[str(n)].failure]  # type: ignore[union-attr]
        assert found["0"].value == 0.0
        assert kinds == ["cancelled"] * 4
        assert gather(engine.map(chores.square, tasks(3)))["0"].value == 9

    def test_cancel_without_a_map_is_nothing(self, engine: Engine) -> None:
        engine.cancel()
        assert gather(engine.map(chores.square, tasks(3)))["0"].value == 9

    def test_abandoned_map_leaves_the_engine_fit(self, engine: Engine) -> None:
        results = engine.map(chores.sleep, tasks(0.0, 30.0, 30.0))
        next(results)
        results.close()  # type: ignore[attr-defined]
        assert gather(engine.map(chores.square, tasks(3)))["0"].value == 9

    def test_worker_killed_from_outside(self, engine: Engine, tmp_path: Path) -> None:
        pids = [result.value for result in engine.map(chores.process, [Task(str(n)) for n in range(8)])]
        for pid in set(pids):
            os.kill(pid, 9)
        assert gone(*pids)
        found = gather(engine.map(chores.square, tasks(*range(20))))
        assert [found[str(n)].value for n in range(20)] == [n * n for n in range(20)]

    def test_progress(self, engine: Engine) -> None:
        seen: list[Progress] = []
        list(engine.map(chores.behave, tasks("a", "raise", "b"), on_progress=seen.append))
        assert (seen[-1].total, seen[-1].done, seen[-1].failed) == (3, 3, 1)
        assert [report.done for report in seen] == sorted(report.done for report in seen)

    def test_close_stops_the_processes_of_tasks_too(self, engine: Engine) -> None:
        pids = [result.value for result in engine.map(chores.process, [Task(str(n)) for n in range(8)])]
        child = int(gather(engine.map(chores.behave, tasks("child")))["0"].value)
        engine.close()
        engine.close()
        assert gone(child, *pids)
        with pytest.raises(ArgosyError, match="closed"):
            list(engine.map(chores.square, tasks(1)))
