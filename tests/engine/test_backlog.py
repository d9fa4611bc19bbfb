"""Chunks adapt to the time that tasks take, and no task is lost or given twice."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from argosy.engine.backlog import Backlog


def sizes(backlog: Backlog, seconds: float) -> list[int]:
    found = []
    while chunk := backlog.take(0.0):
        found.append(len(chunk.tasks))
        for _ in chunk.tasks:
            backlog.measure(seconds)
    return found


def test_first_chunk_is_one_task_and_growth_is_bounded() -> None:
    assert sizes(Backlog(100_000, workers=2, chunk_seconds=1.0), 1e-6)[:5] == [1, 8, 64, 512, 1000]


def test_chunks_take_about_a_second() -> None:
    found = sizes(Backlog(1_000, workers=2, chunk_seconds=1.0), 0.04)
    assert set(found[2:20]) == {25}


def test_slow_tasks_travel_alone() -> None:
    assert set(sizes(Backlog(20, workers=2, chunk_seconds=1.0), 3.0)) == {1}


def test_last_chunks_shrink_so_that_workers_end_together() -> None:
    found = sizes(Backlog(100, workers=4, chunk_seconds=10.0), 0.01)
    assert found[-1] == 1 and max(found) <= 13


@given(st.integers(0, 300), st.integers(1, 8), st.lists(st.sampled_from(["done", "back", "apart", "later"])), st.data())
def test_every_task_is_done_once(count: int, workers: int, moves: list[str], data: st.DataObject) -> None:
    backlog = Backlog(count, workers=workers, chunk_seconds=1.0)
    done: list[int] = []
    now = 0.0
    while True:
        chunk = backlog.take(now)
        if chunk is None:
            if backlog.due is None:
                break
            now = backlog.due
            continue
        move = moves.pop() if moves else "done"
        if move == "done":
            done.extend(chunk.tasks)
            backlog.measure(data.draw(st.floats(0, 10)))
        elif move == "back":
            backlog.back(chunk.tasks)
        elif move == "apart":
            backlog.apart(chunk.tasks, fresh=True)
        else:
            for task in chunk.tasks:
                backlog.later(task, now + 1.0)
    assert sorted(done) == list(range(count))


def test_postponed_task_waits_until_due() -> None:
    backlog = Backlog(1, workers=1, chunk_seconds=1.0)
    assert backlog.take(0.0) is not None
    backlog.later(0, 5.0)
    assert backlog.take(4.9) is None
    assert backlog.take(5.0) == ([0], False)
