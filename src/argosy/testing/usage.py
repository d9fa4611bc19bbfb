"""The suite of what an engine's tasks may use, and how it is measured. Mix it in beside `EngineConformance`."""
# ruff: noqa: D102 (a test's name says what it proves)

from __future__ import annotations

import pytest

from argosy.engine.contract import Engine, Task
from argosy.errors import InputError
from argosy.testing import chores
from argosy.testing.engine import gather, tasks

_MB = 1 << 20


class UsageConformance:
    """What `Engine` promises about threads, memory and time of tasks, as tests."""

    def test_one_thread_per_library(self, engine: Engine) -> None:
        names = ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "POLARS_MAX_THREADS"]
        assert {result.value for result in engine.map(chores.environment, tasks(*names))} == {"1"}

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
