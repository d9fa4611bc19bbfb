"""The suite of tasks that fail on an engine. Mix it in beside `EngineConformance`."""
# ruff: noqa: D102 (a test's name says what it proves)

from __future__ import annotations

import os
from pathlib import Path

import pytest

from argosy.engine.contract import Engine, Task
from argosy.testing import chores
from argosy.testing.engine import gather, gone, tasks


class TaskConformance:
    """What `Engine` promises of a task that fails: it costs itself alone. As tests."""

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

    def test_worker_killed_from_outside(self, engine: Engine, tmp_path: Path) -> None:
        pids = [result.value for result in engine.map(chores.process, [Task(str(n)) for n in range(8)])]
        for pid in set(pids):
            os.kill(pid, 9)
        assert gone(*pids)
        found = gather(engine.map(chores.square, tasks(*range(20))))
        assert [found[str(n)].value for n in range(20)] == [n * n for n in range(20)]
