"""The suite of an engine's sessions, with `turns` and `works`. Subclass all; override the `engine` fixture."""
# ruff: noqa: D102 (a test's name says what it proves)

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from argosy.engine.contract import Engine, Result, Session, Task, Work
from argosy.errors import ArgosyError, ConflictError, InputError
from argosy.testing.engine import gather, gone, tasks

_MB = 1 << 20
LONG = 30.0
"""Seconds that no test waits for."""


def work(key: str, chore: str, *arguments: Any, **limits: Any) -> Work:
    """A work of `argosy.testing.chores`."""
    return Work(key, f"argosy.testing.chores:{chore}", arguments, **limits)


def finish(session: Session, within: float = LONG) -> dict[str, Result]:
    """The results of all that is open, by key; fails if that takes too long."""
    deadline = time.monotonic() + within
    found: list[Result] = []
    while session.open:
        assert time.monotonic() < deadline
        found += session.results(1.0)
    return gather(iter(found))


def kinds(results: dict[str, Result]) -> dict[str, str]:
    """Keys of those that failed, with the kind of their failure."""
    return {key: result.failure.kind for key, result in results.items() if result.failure}


class SessionConformance:
    """What `Session` promises, as tests. The engine under test has two workers."""

    @pytest.fixture
    def engine(self) -> Iterator[Engine]:
        """Yield the engine under test with two workers and close it."""
        raise NotImplementedError

    @pytest.fixture
    def session(self, engine: Engine) -> Iterator[Session]:
        with engine.session() as session:
            yield session

    def test_works_are_added_while_others_run(self, session: Session) -> None:
        session.submit([work("slow", "sleep", 0.5)])
        for number in range(20):
            session.submit([work(str(number), "square", number)])
            (result,) = session.results(LONG)
            assert (result.key, result.value, result.attempts) == (str(number), number * number, 1)
        assert session.open == 1
        assert finish(session)["slow"].value == 0.5

    def test_works_of_many_kinds_end_each_with_one_result(self, session: Session) -> None:
        session.submit([work(f"s{n}", "square", n) for n in range(300)])
        session.submit([work(f"p{n}", "process", timeout=10, group=str(n % 3), priority=n % 2) for n in range(300)])
        found = finish(session)
        assert len(found) == 600 and not kinds(found)
        assert [found[f"s{n}"].value for n in range(300)] == [n * n for n in range(300)]

    def test_nothing_open_is_not_waited_for(self, session: Session) -> None:
        began = time.monotonic()
        session.submit([])
        assert session.results(LONG) == []
        assert session.open == 0 and time.monotonic() - began < 5

    def test_wait_is_bounded(self, session: Session) -> None:
        session.submit([work("a", "sleep", LONG)])
        for wait in (0.0, 0.2):
            began = time.monotonic()
            assert session.results(wait) == []
            assert wait <= time.monotonic() - began < wait + 5

    def test_results_say_when_their_work_started(self, session: Session) -> None:
        before = time.time()
        session.submit([work("a", "sleep", 0.1), work("b", "behave", "exit")])
        found = finish(session)
        assert before <= found["a"].started <= time.time() - 0.1
        assert found["b"].started == 0.0

    def test_each_work_has_its_own_limits(self, session: Session) -> None:
        session.submit(
            [
                work("brief", "behave", "hang", timeout=0.2),
                work("long", "sleep", 0.5, timeout=10),
                work("large", "grow", 400 * _MB, 0.3, memory=250 * _MB),
                work("free", "grow", 400 * _MB, 0.0),
                work("ill", "behave", "raise"),
            ]
        )
        found = finish(session)
        assert kinds(found) == {"brief": "timeout", "large": "memory", "ill": "exception"}

    def test_each_work_has_its_own_retries(self, session: Session, tmp_path: Path) -> None:
        session.submit([work(str(n), "limp", str(tmp_path), str(n), 2, "exit", retries=n) for n in range(4)])
        found = finish(session)
        assert kinds(found) == {"0": "crash", "1": "crash"}
        assert found["2"].value == found["3"].value == 3

    def test_alone_has_a_worker_of_its_own(self, session: Session) -> None:
        session.submit([work(f"w{n}", "process") for n in range(20)])
        others = {result.value for result in finish(session).values()}
        session.submit([work(f"a{n}", "process", alone=True) for n in range(3)])
        session.submit([work(f"b{n}", "process") for n in range(20)])
        found = finish(session)
        alone = {found[f"a{n}"].value for n in range(3)}
        assert len(alone) == 3 and not alone & others
        assert not alone & {found[f"b{n}"].value for n in range(20)}
        assert gone(*alone)

    def test_running_names_what_runs(self, session: Session) -> None:
        assert session.running() == {}
        before = time.monotonic()
        session.submit([work("a", "sleep", 0.2), work("b", "sleep", 0.2), work("c", "sleep", 0.0)])
        assert set(session.running()) == {"a", "b"}
        assert all(before <= each.since <= time.monotonic() for each in session.running().values())
        finish(session)
        assert session.running() == {}

    def test_key_that_is_open(self, session: Session) -> None:
        session.submit([work("a", "sleep", 0.2)])
        with pytest.raises(InputError, match="two works have the key 'a'"):
            session.submit([work("b", "square", 1), work("a", "square", 1)])
        with pytest.raises(InputError, match="two works have the key 'c'"):
            session.submit([work("c", "square", 1), work("c", "square", 1)])
        assert set(finish(session)) == {"a"}
        session.submit([work("a", "square", 2)])
        session.drop(["a"])
        with pytest.raises(InputError, match="result has been read"):
            session.submit([work("a", "square", 3)])
        finish(session)
        session.submit([work("a", "square", 4)])
        assert finish(session)["a"].value == 16

    @pytest.mark.parametrize("limit", ["timeout", "memory", "retries"])
    def test_limit_out_of_range(self, session: Session, limit: str) -> None:
        limits: dict[str, Any] = {limit: -1}
        with pytest.raises(InputError, match=f"{limit} is -1"):
            session.submit([work("a", "square", 1), work("b", "square", 2, **limits)])
        assert session.open == 0

    def test_function_that_is_no_reference(self, session: Session) -> None:
        with pytest.raises(InputError, match="'square' is not of the form"):
            session.submit([Work("a", "square", (1,))])

    def test_cancel_ends_what_is_open(self, engine: Engine, session: Session) -> None:
        session.submit([work(str(n), "sleep", LONG) for n in range(5)])
        threading.Timer(0.3, engine.cancel).start()
        assert kinds(finish(session, within=10)) == {str(n): "cancelled" for n in range(5)}
        session.submit([work("again", "square", 3)])
        assert finish(session)["again"].value == 9

    def test_one_session_or_map_at_a_time(self, engine: Engine) -> None:
        with engine.session():
            with pytest.raises(ConflictError):
                engine.session()
            with pytest.raises(ConflictError):
                list(engine.map("os:getpid", [Task("")]))
        assert len(list(engine.map("os:getpid", [Task("")]))) == 1

    def test_closed_session_refuses(self, engine: Engine) -> None:
        session = engine.session()
        session.submit([work("a", "sleep", LONG)])
        session.close()
        session.close()
        with pytest.raises(ArgosyError, match="session is closed"):
            session.submit([work("b", "square", 1)])
        assert gather(engine.map("argosy.testing.chores:square", tasks(3)))["0"].value == 9

    def test_closed_engine_is_told(self, engine: Engine, session: Session) -> None:
        session.submit([work("a", "sleep", LONG)])
        engine.close()
        with pytest.raises(ArgosyError, match="engine is closed"):
            session.results(1.0)
