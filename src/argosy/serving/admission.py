"""Admission: work is refused before queues of it grow."""

from __future__ import annotations

import asyncio
import contextvars
from collections import Counter, deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from math import ceil
from typing import Any, TypeVar

from argosy.serving.limits import Limits
from argosy.serving.request import Refused

T = TypeVar("T")
_PROBE_SECONDS = 0.05
_NEWEST = 0.2
"""How much the last of some durations says of the next one."""


class Admission:
    """Bounds what one worker takes on. For its event loop alone.

    Work of threads: `limits.concurrency` pieces at once. Others wait in turn, unless `limits.queue` do already or their
    wait, by Little's law the pieces before them times the mean seconds of one over the pieces at once, would be above
    `limits.wait_seconds`.

    Work of the event loop itself waits in sockets. Where the loop lags by more than `limits.wait_seconds`, so do the
    requests in them; then only as large a share of them is taken as would have brought it to that.
    """

    def __init__(self, limits: Limits) -> None:
        self.working = 0
        self.lag = 0.0
        self.refused: Counter[str] = Counter()
        self._limits = limits
        self._threads = ThreadPoolExecutor(limits.concurrency, "argosy-score")
        self._turns: deque[asyncio.Future[None]] = deque()
        self._mean = 0.0
        self._credit = 0.0

    @property
    def waiting(self) -> int:
        """Pieces of work that wait for a thread."""
        return len(self._turns)

    def check(self) -> None:
        """Raise Refused with 429 for the share of requests that a lagging loop does not take."""
        if self.lag <= self._limits.wait_seconds:
            return
        self._credit += self._limits.wait_seconds / self.lag
        if self._credit < 1:
            raise self._busy("lag", self.lag)
        self._credit -= 1

    def expect(self) -> None:
        """Raise Refused with 429 for a request that needs a thread and would have to wait too long for one."""
        if self.working >= self._limits.concurrency:
            self._expect(self._limits.wait_seconds)

    async def run(self, work: Callable[[], T], seconds: float) -> T:
        """What `work` gives, done by a thread; raises Refused with 429 where too much waits, 504 after `seconds`.

        A thread cannot be stopped: work that nobody waits for any more keeps its place until it ends.
        """
        try:
            async with asyncio.timeout(seconds):
                if self.working >= self._limits.concurrency:
                    await self._turn(seconds)
                else:
                    self.working += 1
                return await asyncio.shield(self._start(work))
        except TimeoutError as error:
            self.refused["timeout"] += 1
            raise Refused(
                504, f"the request was not answered within {seconds:g} s", next="send fewer rows, or allow more time"
            ) from error

    async def probe(self) -> None:
        """Measure how late the event loop is, until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + _PROBE_SECONDS
            await asyncio.sleep(_PROBE_SECONDS)
            self.lag = max(0.0, loop.time() - due)

    def close(self) -> None:
        """Let the threads end with what they do."""
        self._threads.shutdown(wait=False)

    def _start(self, work: Callable[[], T]) -> asyncio.Future[T]:
        loop, context = asyncio.get_running_loop(), contextvars.copy_context()
        began = loop.time()

        def ended(future: asyncio.Future[Any]) -> None:
            took = loop.time() - began
            self._mean += (took - self._mean) * (_NEWEST if self._mean else 1.0)
            if not future.cancelled():
                future.exception()  # of work that nobody waits for any more, too
            self._free()

        future = loop.run_in_executor(self._threads, context.run, work)
        future.add_done_callback(ended)
        return future

    async def _turn(self, seconds: float) -> None:
        """Wait until a place is free and is this one's."""
        self._expect(min(self._limits.wait_seconds, seconds))
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._turns.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():
                self._free()
            elif turn in self._turns:
                self._turns.remove(turn)
            raise

    def _expect(self, seconds: float) -> None:
        wait = (len(self._turns) + 1) * self._mean / self._limits.concurrency
        if len(self._turns) >= self._limits.queue or wait > seconds:
            raise self._busy("queue", wait)

    def _free(self) -> None:
        """Hand a place on to who waits longest, if somebody does."""
        while self._turns:
            turn = self._turns.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self.working -= 1

    def _busy(self, why: str, wait: float) -> Refused:
        self.refused[why] += 1
        after = max(1, ceil(wait))
        return Refused(
            429,
            "this server has as much to do as it can within its limits",
            next=f"ask again in {after} s, or start more workers",
            headers=((b"retry-after", b"%d" % after),),
        )
