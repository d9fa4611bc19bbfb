"""The suite of whose turn it is in a session. Mix it in beside `SessionConformance`."""
# ruff: noqa: D102 (a test's name says what it proves)

from __future__ import annotations

import time
from pathlib import Path

from argosy.engine.contract import Session
from argosy.testing.session import LONG, finish, kinds, work


class TurnConformance:
    """What `Session` promises of the order of works, and of those that are dropped, as tests."""

    def test_higher_priority_goes_first(self, session: Session, tmp_path: Path) -> None:
        session.submit([work(f"block{n}", "sleep", 0.3) for n in range(2)])
        session.submit([work(f"low{n}", "log", str(tmp_path), f"low{n}", alone=True) for n in range(6)])
        session.submit([work(f"high{n}", "log", str(tmp_path), f"high{n}", alone=True, priority=1) for n in range(6)])
        finish(session)
        order = sorted(tmp_path.iterdir(), key=lambda path: path.stat().st_mtime_ns)
        assert sum(path.name.startswith("high") for path in order[:6]) >= 5  # the last may be out beside the first low

    def test_groups_take_turns(self, session: Session) -> None:
        session.submit([work(f"many{n}", "sleep", 0.1, group="many", timeout=10) for n in range(40)])
        session.results(LONG)
        session.submit([work("one", "square", 3, group="one")])
        order = [result.key for result in finish(session).values()]
        assert order.index("one") <= 20

    def test_long_work_does_not_hold_up_its_neighbours(self, session: Session) -> None:
        session.submit([work(str(n), "sleep", LONG if n == 50 else 0.001) for n in range(100)])
        deadline = time.monotonic() + 60
        while session.open > 1:
            assert time.monotonic() < deadline
            assert not kinds({result.key: result for result in session.results(1.0)})
        assert list(session.running()) == ["50"]

    def test_dropped_neighbour_of_a_long_work_never_runs(self, session: Session, tmp_path: Path) -> None:
        late = [str(number) for number in range(100)]
        session.submit([work("other", "sleep", 2.0)])
        session.submit([work(f"early{name}", "log", str(tmp_path), f"early{name}") for name in late])
        session.submit([work("long", "log", str(tmp_path), "long", 1.0)])
        session.submit([work(name, "log", str(tmp_path), name) for name in late])
        while "long" not in session.running():
            session.results(0.05)
        session.drop(late)
        found = finish(session)
        assert kinds(found) == dict.fromkeys(late, "cancelled")
        assert {path.name for path in tmp_path.iterdir()} == {"long", *(f"early{name}" for name in late)}

    def test_drop_forgets_what_waits_and_ends_what_runs(self, session: Session, tmp_path: Path) -> None:
        session.submit([work(f"run{n}", "sleep", LONG) for n in range(2)])
        session.submit([work(f"wait{n}", "log", str(tmp_path), str(n)) for n in range(3)])
        while len(session.running()) < 2:
            session.results(0.05)
        session.drop(["run0", "run1", "wait1", "unknown"])
        found = finish(session)
        assert kinds(found) == {"run0": "cancelled", "run1": "cancelled", "wait1": "cancelled"}
        assert sorted(path.name for path in tmp_path.iterdir()) == ["0", "2"]

    def test_neighbours_of_a_dropped_work_run(self, session: Session) -> None:
        session.submit([work(str(n), "sleep", 0.001) for n in range(1_000)])
        for number in range(0, 1_000, 3):
            session.drop([str(number)])
        found = finish(session)
        assert len(found) == 1_000
        assert set(kinds(found)) <= {str(n) for n in range(0, 1_000, 3)}
        assert "cancelled" in kinds(found).values()
