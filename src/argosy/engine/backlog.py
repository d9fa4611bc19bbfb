"""Which works run next, and how many travel together. Pure: knows works and the time it is told, nothing else."""

from __future__ import annotations

import heapq
from bisect import insort
from collections import deque
from collections.abc import Iterable, Sequence
from itertools import count
from typing import NamedTuple
from weakref import WeakValueDictionary

from argosy.engine.contract import Work
from argosy.engine.job import Job

_GROWTH = 8  # how much larger a chunk may be than the one before: the first works may mislead
_SMOOTH = 0.5  # weight of the newest measurement
_LONGEST = 1_000  # works in a chunk: bounds what is pickled at once


class Chunk(NamedTuple):
    """Works to send to one worker; `fresh` asks for a worker that has run nothing yet."""

    jobs: list[Job]
    fresh: bool = False


class Lane:
    """Waiting works that may travel together, and how long such works take. Kept as long as one of them is open."""

    __slots__ = ("__weakref__", "_seconds", "_size", "waiting")

    def __init__(self) -> None:
        self.waiting: deque[Job] = deque()
        self._seconds: float | None = None
        self._size = 1

    def measure(self, seconds: float) -> None:
        """Learn how long one work took."""
        known = self._seconds
        self._seconds = seconds if known is None else known + _SMOOTH * (seconds - known)

    def take(self, goal: float, workers: int) -> list[Job]:
        """Works that take about `goal` seconds, at least one, at most a fair share of what waits."""
        share = -(-len(self.waiting) // (2 * workers))
        size = max(1, min(self._fitting(goal), share))
        return [self.waiting.popleft() for _ in range(size)]

    def _fitting(self, goal: float) -> int:
        if self._seconds is None:
            return 1
        wanted = goal / max(self._seconds, 1e-6)
        self._size = int(max(1, min(wanted, self._size * _GROWTH, _LONGEST)))
        return self._size


class _Group:
    """What waits of one group at one priority: chunks of a single work, which go first, and lanes that take turns."""

    __slots__ = ("lanes", "name", "singles")

    def __init__(self, name: str) -> None:
        self.name = name
        self.singles: deque[Chunk] = deque()
        self.lanes: deque[Lane] = deque()

    def __bool__(self) -> bool:
        return bool(self.singles or self.lanes)

    def take(self, goal: float, workers: int) -> Chunk:
        if self.singles:
            return self.singles.popleft()
        lane = self.lanes.popleft()
        jobs = lane.take(goal, workers)
        if lane.waiting:
            self.lanes.append(lane)
        return Chunk(jobs)

    def drop(self, jobs: set[Job]) -> None:
        self.singles = deque(chunk for chunk in self.singles if jobs.isdisjoint(chunk.jobs))
        for lane in self.lanes:
            lane.waiting = deque(job for job in lane.waiting if job not in jobs)
        self.lanes = deque(lane for lane in self.lanes if lane.waiting)


class Backlog:
    """The works that wait, as queues with chunks that adapt to how long works take.

    The highest priority goes first; at one priority, groups take turns, a chunk each. A chunk holds works of equal
    function, limits, group and priority only. It takes about `chunk_seconds`, begins with one work, and never
    holds more than a fair share of what is left, so that all workers end together.
    """

    def __init__(self, *, workers: int, chunk_seconds: float) -> None:
        self._workers = workers
        self._goal = chunk_seconds
        self._lanes: WeakValueDictionary[tuple[object, ...], Lane] = WeakValueDictionary()
        self._groups: dict[tuple[int, str], _Group] = {}
        self._turns: dict[int, deque[_Group]] = {}
        self._ranks: list[int] = []  # the priorities of what waits, negated: the first goes first
        self._later: list[tuple[float, int, Job]] = []
        self._numbers = count()

    def put(self, jobs: Iterable[Job]) -> None:
        """New works, behind those of their group."""
        key: tuple[object, ...] | None = None
        lane = None
        for job in jobs:
            work = job.work
            if work.alone:
                self._group(work).singles.append(Chunk([job], True))
                continue
            wanted = (work.priority, work.group, work.function, work.timeout, work.memory)
            if lane is None or wanted != key:
                key, lane = wanted, self._lanes.get(wanted)
                if lane is None:
                    self._lanes[wanted] = lane = Lane()
            job.lane = lane
            if not lane.waiting:
                self._group(work).lanes.append(lane)
            lane.waiting.append(job)

    def take(self, now: float) -> Chunk | None:
        """The next chunk, or None if nothing may run now."""
        while self._later and self._later[0][0] <= now:
            self.apart([heapq.heappop(self._later)[2]])
        if not self._ranks:
            return None
        rank = self._ranks[0]
        group = self._turns[rank].popleft()
        chunk = group.take(self._goal, self._workers)
        if group:
            self._turns[rank].append(group)
        else:
            del self._groups[rank, group.name]
            self._settle(rank)
        return chunk

    def back(self, jobs: Sequence[Job]) -> None:
        """Works that did not run come back, in front of those of their group."""
        for job in reversed(jobs):
            group = self._group(job.work)
            if job.lane is None:
                group.singles.appendleft(Chunk([job], True))
                continue
            if not job.lane.waiting:
                group.lanes.appendleft(job.lane)
            job.lane.waiting.appendleft(job)

    def apart(self, jobs: Sequence[Job], *, fresh: bool = False) -> None:
        """Works that must each run in a chunk of its own."""
        for job in jobs:
            self._group(job.work).singles.append(Chunk([job], fresh or job.work.alone))

    def later(self, job: Job, due: float) -> None:
        """A work that runs again, in a chunk of its own, not before `due`."""
        heapq.heappush(self._later, (due, next(self._numbers), job))

    def drop(self, jobs: set[Job]) -> None:
        """Forget works that may be waiting here."""
        self._later = [entry for entry in self._later if entry[2] not in jobs]
        heapq.heapify(self._later)
        for rank, name in {(-job.work.priority, job.work.group) for job in jobs} & self._groups.keys():
            group = self._groups[rank, name]
            group.drop(jobs)
            if not group:
                del self._groups[rank, name]
                self._turns[rank].remove(group)
                self._settle(rank)

    @property
    def due(self) -> float | None:
        """When the first postponed work may run; None if there is none."""
        return self._later[0][0] if self._later else None

    def _group(self, work: Work) -> _Group:
        rank = -work.priority
        group = self._groups.get((rank, work.group))
        if group is None:
            self._groups[rank, work.group] = group = _Group(work.group)
            if rank not in self._turns:
                self._turns[rank] = deque()
                insort(self._ranks, rank)
            self._turns[rank].append(group)
        return group

    def _settle(self, rank: int) -> None:
        if not self._turns[rank]:
            del self._turns[rank]
            self._ranks.remove(rank)
