"""The suite of the logs of an engine's sessions. Subclass it and override the `engine` fixture."""
# ruff: noqa: D102 (a test's name says what it proves)

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from argosy.engine.contract import Engine, Session
from argosy.testing.engine import gather, tasks
from argosy.testing.session import LONG, finish, kinds, work

_MB = 1 << 20


class LogConformance:
    """What `Session` promises about logs, as tests. The engine under test has two workers."""

    @pytest.fixture
    def engine(self) -> Iterator[Engine]:
        """Yield the engine under test with two workers and close it."""
        raise NotImplementedError

    @pytest.fixture
    def session(self, engine: Engine) -> Iterator[Session]:
        with engine.session(logs=True) as session:
            yield session

    def test_each_work_has_its_own_log(self, session: Session) -> None:
        session.submit([work(str(n), "speak", f"w{n}") for n in range(20)])
        session.submit([work(f"silent{n}", "square", n) for n in range(20)])
        found = finish(session)
        for number in range(20):
            lines = found[str(number)].log.decode().splitlines()
            (record,) = [line for line in lines if "record" in line]
            assert record.endswith(f" INFO chores: record w{number}")
            said = {f"{how} w{number}" for how in ("print", "write", "error", "printf", "child")}
            assert set(lines) == {record, *said} and len(lines) == 6
        assert {found[f"silent{n}"].log for n in range(20)} == {b""}

    def test_log_of_a_million_bytes_is_whole(self, session: Session) -> None:
        session.submit([work("a", "shout", 1_000_000, "fine")])
        assert finish(session)["a"].log == b"first\n" + b"x" * 1_000_000 + b"last\n"

    def test_long_log_keeps_its_beginning_and_its_end(self, session: Session) -> None:
        session.submit([work("a", "shout", 20 * _MB, "fine"), work("b", "shout", 1, "fine")])
        found = finish(session)
        log = found["a"].log
        assert len(log) == _MB
        assert log.startswith(b"first\nxxx") and log.endswith(b"xxxlast\n")
        line = log[_MB // 4 :].split(b"\n")[1]
        assert log[: _MB // 4].endswith(b"x")
        left = 20 * _MB + len(b"first\nlast\n") - _MB + len(line) + 2
        assert line == f"[{left} bytes left out]".encode()
        assert found["b"].log == b"first\nxlast\n"

    def test_log_without_end_is_a_failure(self, session: Session) -> None:
        session.submit([work("a", "shout", 200 * _MB, "hang"), work("b", "square", 3)])
        found = finish(session)
        assert kinds(found) == {"a": "log"}
        assert "the limit is 67,108,864 bytes" in found["a"].failure.message  # type: ignore[union-attr]
        assert found["a"].log.startswith(b"first") and len(found["a"].log) == _MB

    def test_log_found_too_long_at_the_end_is_a_failure(self, session: Session) -> None:
        session.submit([work("a", "shout", 65 * _MB, "fine")])
        assert kinds(finish(session)) == {"a": "log"}

    @pytest.mark.parametrize("how", ["raise", "exit", "segfault", "hang"])
    def test_failed_work_has_its_log(self, session: Session, how: str) -> None:
        session.submit([work(str(n), "shout", 3, how if n % 3 == 0 else "fine", timeout=0.5) for n in range(9)])
        found = finish(session)
        assert set(kinds(found)) == {"0", "3", "6"}
        assert {result.log for result in found.values()} == {b"first\nxxxlast\n"}

    def test_dropped_work_has_its_log(self, session: Session) -> None:
        session.submit([work("a", "shout", 3, "hang")])
        path = self.followed(session, "a", b"last")
        session.drop(["a"])
        assert finish(session)["a"].log == path.read_bytes() == b"first\nxxxlast\n"

    def test_running_work_can_be_followed(self, session: Session) -> None:
        session.submit([work("before", "shout", 10, "fine")])
        finish(session)
        session.submit([work("a", "shout", 3, "hang", timeout=LONG)])
        assert self.followed(session, "a", b"last").read_bytes() == b"first\nxxxlast\n"

    def followed(self, session: Session, key: str, word: bytes) -> Path:
        """The log of a work that runs, once it holds the word."""
        deadline = time.monotonic() + LONG
        while True:
            session.results(0.01)
            known = session.running().get(key)
            if known is not None and known.log is not None and word in known.log.read_bytes():
                return known.log
            assert time.monotonic() < deadline

    def test_nothing_is_left_of_the_logs(self, engine: Engine) -> None:
        with engine.session(logs=True) as session:
            session.submit([work(str(n), "shout", 3, "hang") for n in range(2)])
            folder = self.followed(session, "0", b"last").parent
            assert folder.stat().st_mode & 0o777 == 0o700
        assert not folder.exists()

    def test_sessions_and_maps_take_turns(self, engine: Engine) -> None:
        for turn in range(3):
            with engine.session(logs=True) as session:
                session.submit([work(str(n), "speak", f"turn{turn}") for n in range(4)])
                found = finish(session)
            assert all(f"print turn{turn}\n".encode() in found[str(n)].log for n in range(4))
            results = gather(engine.map("argosy.testing.chores:speak", tasks("a", "b")))
            assert {result.log for result in results.values()} == {b""}
