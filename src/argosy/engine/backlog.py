"""Which tasks run next, and how many travel together. Pure: knows numbers of tasks and the time, nothing else."""

from __future__ import annotations

import heapq
from collections import deque
from typing import NamedTuple

_GROWTH = 8  # how much larger a chunk may be than the one before: the first tasks may mislead
_SMOOTH = 0.5  # weight of the newest measurement
_LONGEST = 1_000  # tasks in a chunk: bounds what is pickled at once


class Chunk(NamedTuple):
    """Tasks to send to one worker; `fresh` asks for a worker that has run nothing yet."""

    tasks: list[int]
    fresh: bool = False


class Backlog:
    """The tasks 0..count-1 that wait, as a queue with chunks that adapt to how long tasks take.

    A chunk takes about `chunk_seconds`, begins with one task, and never holds more than a fair share of what is
    left, so that all workers end together.
    """

    def __init__(self, count: int, *, workers: int, chunk_seconds: float) -> None:
        self._waiting = deque(range(count))
        self._alone: deque[Chunk] = deque()
        self._later: list[tuple[float, int]] = []
        self._workers = workers
        self._goal = chunk_seconds
        self._seconds: float | None = None
        self._size = 1

    def take(self, now: float) -> Chunk | None:
        """The next chunk, or None if nothing may run now."""
        while self._later and self._later[0][0] <= now:
            self._alone.append(Chunk([heapq.heappop(self._later)[1]]))
        if self._alone:
            return self._alone.popleft()
        if not self._waiting:
            return None
        share = -(-len(self._waiting) // (2 * self._workers))
        size = max(1, min(self._fitting(), share))
        return Chunk([self._waiting.popleft() for _ in range(size)])

    def measure(self, seconds: float) -> None:
        """Learn how long one task took."""
        known = self._seconds
        self._seconds = seconds if known is None else known + _SMOOTH * (seconds - known)

    def back(self, tasks: list[int]) -> None:
        """Tasks that did not run come back, in front."""
        self._waiting.extendleft(reversed(tasks))

    def apart(self, tasks: list[int], *, fresh: bool = False) -> None:
        """Tasks that must each run in a chunk of its own."""
        self._alone.extend(Chunk([task], fresh) for task in tasks)

    def later(self, task: int, due: float) -> None:
        """A task that runs again, alone, not before `due`."""
        heapq.heappush(self._later, (due, task))

    @property
    def due(self) -> float | None:
        """When the first postponed task may run; None if there is none."""
        return self._later[0][0] if self._later else None

    def _fitting(self) -> int:
        if self._seconds is None:
            return 1
        wanted = self._goal / max(self._seconds, 1e-6)
        self._size = int(max(1, min(wanted, self._size * _GROWTH, _LONGEST)))
        return self._size
