"""The suite that every engine passes, with `tasks` and `usage`. Subclass all; override the `engine` fixture."""
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


def gone(*pids: int, within: float = 60.0) -> bool:
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

    def test_arrays_travel_both_ways(self, engine: Engine) -> None:
        array = np.arange(1_000_000, dtype=np.float64)
        found = gather(engine.map("numpy:negative", [Task(str(n), (array[n:],)) for n in range(4)]))
        for number in range(4):
            np.testing.assert_array_equal(found[str(number)].value, -array[number:])

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
        first = next(results)
        threading.Timer(0.2, engine.cancel).start()
        found = gather(results) | {first.key: first}
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
