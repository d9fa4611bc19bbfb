"""The suite of works that fail in a session. Mix it in beside `SessionConformance`."""
# ruff: noqa: D102 (a test's name says what it proves)

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from argosy.engine.contract import Engine, Session, Work
from argosy.testing.engine import gather, gone, tasks
from argosy.testing.session import LONG, finish, kinds, work


class WorkConformance:
    """What `Session` promises of a work that fails: it costs itself alone. As tests."""

    def test_function_that_workers_cannot_import_costs_its_works_only(self, session: Session) -> None:
        session.submit([Work(str(n), "nowhere.at_all:f", retries=9) for n in range(3)])
        session.submit([work("fine", "square", 2)])
        found = finish(session)
        assert kinds(found) == {str(n): "exception" for n in range(3)}
        assert "cannot import function nowhere.at_all:f" in found["0"].failure.message  # type: ignore[union-attr]

    def test_memory_limit_below_an_idle_worker_costs_its_work_only(self, session: Session) -> None:
        session.submit([work("a", "square", 2, memory=1_000), work("b", "square", 2)])
        found = finish(session)
        assert kinds(found) == {"a": "memory"}
        assert "memory limit 1,000 bytes is below" in found["a"].failure.message  # type: ignore[union-attr]

    def test_arguments_that_cannot_be_sent(self, session: Session) -> None:
        session.submit([work("bad", "behave", lambda: 1), work("good", "behave", "fine")])
        assert kinds(finish(session)) == {"bad": "exception"}

    def test_worker_killed_from_outside(self, session: Session) -> None:
        session.submit([work(str(n), "process") for n in range(8)])
        pids = {result.value for result in finish(session).values()}
        for pid in pids:
            os.kill(pid, 9)
        assert gone(*pids)
        session.submit([work(str(n), "square", n) for n in range(20)])
        assert not kinds(finish(session))

    def test_interrupt_leaves_no_busy_worker(self, engine: Engine) -> None:
        pids: list[int] = []
        with pytest.raises(KeyboardInterrupt), engine.session() as session:
            session.submit([work(str(n), "process") for n in range(8)])
            pids += {result.value for result in finish(session).values()}
            session.submit([work(str(n), "sleep", LONG) for n in range(2)])
            threading.Timer(0.2, os.kill, (os.getpid(), 2)).start()
            session.results(LONG)
        assert gone(*pids)
        assert gather(engine.map("argosy.testing.chores:square", tasks(3)))["0"].value == 9

    def test_exception_that_cannot_be_sent_or_told(self, session: Session) -> None:
        session.submit([work("a", "unpicklable"), work("b", "square", 2)])
        found = finish(session)
        assert kinds(found) == {"a": "exception"}
        assert "_Sullen: its text cannot be made, for RuntimeError" in found["a"].failure.message  # type: ignore[union-attr]

    @pytest.mark.parametrize(("how", "failures"), [("return", {}), ("raise", {}), ("crash", {"a": "crash"})])
    def test_forked_child_never_answers(self, session: Session, how: str, failures: dict[str, str]) -> None:
        session.submit([work("a", "fork", how), *(work(str(n), "square", n) for n in range(20))])
        found = finish(session, within=10)
        assert kinds(found) == failures
        assert found["a"].value != 0
        assert [found[str(n)].value for n in range(20)] == [n * n for n in range(20)]

    @pytest.mark.parametrize("how", ["plain", "session", "orphan"])
    def test_children_left_running_are_a_failure(self, session: Session, tmp_path: Path, how: str) -> None:
        session.submit([work("a", "abandon", 2, how, str(tmp_path)), work("b", "behave", "fine")])
        found = finish(session)
        assert kinds(found) == {"a": "children"}
        assert "left 2 child processes running" in found["a"].failure.message  # type: ignore[union-attr]
        pids = [int(path.name) for path in tmp_path.iterdir()]
        assert len(pids) == 2 and gone(*pids)

    def test_children_that_a_library_keeps_are_no_failure(self, session: Session) -> None:
        session.submit([work("pool", "pool"), work("again", "pool")])
        assert not kinds(finish(session))

    def test_children_that_a_map_left_are_not_blamed_on_a_session(self, engine: Engine) -> None:
        child = int(gather(engine.map("argosy.testing.chores:behave", tasks("child")))["0"].value)
        with engine.session() as session:
            session.submit([work(str(n), "sleep", 0.1) for n in range(4)])
            assert not kinds(finish(session))
        assert gone(child)
