"""Chunks adapt to the time that works take, never mix, go in turns, and no work is lost or given twice."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from argosy.engine.backlog import Backlog, Chunk
from argosy.engine.contract import Work
from argosy.engine.job import Job


def jobs(count: int, *, function: str = "m:f", priority: int = 0, group: str = "", alone: bool = False) -> list[Job]:
    works = (Work(f"{group}{n}", function, priority=priority, group=group, alone=alone) for n in range(count))
    return [Job(work) for work in works]


def filled(*jobs: Job, workers: int = 2, chunk_seconds: float = 1.0) -> Backlog:
    backlog = Backlog(workers=workers, chunk_seconds=chunk_seconds)
    backlog.put(jobs)
    return backlog


def taken(backlog: Backlog, seconds: float = 1.0) -> list[Chunk]:
    found = []
    while chunk := backlog.take(0.0):
        found.append(chunk)
        for job in chunk.jobs:
            if job.lane:
                job.lane.measure(seconds)
    return found


def sizes(backlog: Backlog, seconds: float) -> list[int]:
    return [len(chunk.jobs) for chunk in taken(backlog, seconds)]


def test_first_chunk_is_one_work_and_growth_is_bounded() -> None:
    assert sizes(filled(*jobs(100_000)), 1e-6)[:5] == [1, 8, 64, 512, 1000]


def test_chunks_take_about_a_second() -> None:
    assert set(sizes(filled(*jobs(1_000)), 0.04)[2:20]) == {25}


def test_slow_works_travel_alone() -> None:
    assert set(sizes(filled(*jobs(20)), 3.0)) == {1}


def test_last_chunks_shrink_so_that_workers_end_together() -> None:
    found = sizes(filled(*jobs(100), workers=4, chunk_seconds=10.0), 0.01)
    assert found[-1] == 1 and max(found) <= 13


def test_groups_take_turns() -> None:
    backlog = filled(*jobs(4, group="a"), *jobs(2, group="b"))
    assert [chunk.jobs[0].work.group for chunk in taken(backlog)] == ["a", "b", "a", "b", "a", "a"]


def test_group_that_comes_later_need_not_wait_for_the_first() -> None:
    backlog = filled(*jobs(1_000, group="a"))
    assert backlog.take(0.0)
    backlog.put(jobs(1, group="b"))
    assert [backlog.take(0.0).jobs[0].work.group for _ in range(2)] == ["a", "b"]  # type: ignore[union-attr]


def test_functions_of_a_group_take_turns() -> None:
    backlog = filled(*jobs(2, function="m:f"), *jobs(2, function="m:g"))
    assert [chunk.jobs[0].work.function for chunk in taken(backlog)] == ["m:f", "m:g", "m:f", "m:g"]


def test_alone_asks_for_a_fresh_worker_every_time() -> None:
    (job,) = jobs(1, alone=True)
    backlog = filled(job)
    backlog.back(backlog.take(0.0).jobs)  # type: ignore[union-attr]
    backlog.later(backlog.take(0.0).jobs[0], 0.0)  # type: ignore[union-attr]
    assert backlog.take(0.0) == ([job], True)


def test_postponed_work_waits_until_due() -> None:
    (job,) = jobs(1)
    backlog = filled(job)
    assert backlog.take(0.0) is not None
    backlog.later(job, 5.0)
    assert backlog.take(4.9) is None
    assert backlog.take(5.0) == ([job], False)


_WORKS = st.lists(
    st.builds(
        Work,
        key=st.just("k"),
        function=st.sampled_from(["m:f", "m:g"]),
        timeout=st.sampled_from([None, 1.0]),
        memory=st.sampled_from([None, 1]),
        alone=st.sampled_from([False, False, True]),
        priority=st.integers(-1, 1),
        group=st.sampled_from("abc"),
    ),
    max_size=60,
)
_MOVES = st.sampled_from(["done", "done", "done", "back", "apart", "fresh", "later", "drop", "put"])


@given(_WORKS, st.lists(_WORKS, max_size=3), st.integers(1, 8), st.lists(_MOVES), st.data())
def test_every_work_is_handed_out_until_it_is_done_or_dropped(
    works: list[Work], further: list[list[Work]], workers: int, moves: list[str], data: st.DataObject
) -> None:
    everything = [Job(work) for work in works]
    backlog = filled(*everything, workers=workers)
    ended: list[Job] = []
    held: set[Job] = set(everything)  # what waits in the backlog and may run at once
    now = 0.0
    while True:
        chunk = backlog.take(now)
        if chunk is None:
            assert not held
            if backlog.due is None:
                break
            now = backlog.due
            held = set(everything) - set(ended)
            continue
        assert len({(j.work.function, j.work.timeout, j.work.memory, j.work.group) for j in chunk.jobs}) == 1
        assert {job.work.priority for job in chunk.jobs} == {max(job.work.priority for job in held)}
        assert not any(job.work.alone for job in chunk.jobs) or (len(chunk.jobs) == 1 and chunk.fresh)
        assert held.issuperset(chunk.jobs)
        move = moves.pop() if moves else "done"
        if move == "back":
            backlog.back(chunk.jobs)
        elif move in ("apart", "fresh"):
            backlog.apart(chunk.jobs, fresh=move == "fresh")
        elif move == "later":
            held.difference_update(chunk.jobs)
            for job in chunk.jobs:
                backlog.later(job, now + 1.0)
        else:
            ended += chunk.jobs
            held.difference_update(chunk.jobs)
            for job in chunk.jobs:
                if job.lane:
                    job.lane.measure(data.draw(st.floats(0, 10)))
        if move == "drop":
            waiting = [job for job in everything if job not in ended]
            dropped = set(data.draw(st.lists(st.sampled_from(waiting))) if waiting else [])
            backlog.drop(dropped)
            ended += dropped
            held -= dropped
        if move == "put" and further:
            new = [Job(work) for work in further.pop()]
            everything += new
            held |= set(new)
            backlog.put(new)
    assert len(ended) == len(set(ended)) and set(ended) == set(everything)


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from(["m:f", "m:g"])), max_size=80), st.integers(1, 4))
def test_no_group_goes_twice_while_another_waits(works: list[tuple[str, str]], workers: int) -> None:
    backlog = filled(*(Job(Work(str(n), f, group=g)) for n, (g, f) in enumerate(works)), workers=workers)
    chunks = taken(backlog, 0.3)
    order = [chunk.jobs[0].work.group for chunk in chunks]
    assert all(one != other or set(order[place:]) == {one} for place, (one, other) in enumerate(pairwise(order)))
