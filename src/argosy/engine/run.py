"""A session on local workers: hand out chunks, gather answers, judge limits and deaths."""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Sequence
from typing import Any

from argosy.engine.backlog import Backlog, Chunk
from argosy.engine.channel import Channel
from argosy.engine.contract import Failure, FailureKind, Running
from argosy.engine.crew import Crew, Hand, NurseryLost
from argosy.engine.job import Job
from argosy.engine.ledger import UNKNOWN, Attempt, Ledger
from argosy.engine.log import LIMIT
from argosy.engine.stepped import Stepped
from argosy.engine.usage import resident
from argosy.engine.verdict import Verdict, died, too_large, too_long, too_loud
from argosy.engine.watch import TICK, Watch
from argosy.engine.worker import Order, describe
from argosy.errors import ArgosyError, InputError

_MESSAGE = 500
_NURSERIES = 3  # how often the process that forks workers may be lost in one session
_KILLS = 2  # how often a work whose worker was killed from outside runs again before it is charged


class Run(Stepped):
    """Uses the crew while it lasts, leaves it with idle workers only, and says so with `closed`.

    `logs` captures what works write. `strict` is for a `map`: works that no worker can run raise `InputError`, rather
    than fail, and children that a work leaves behind are no failure.
    """

    def __init__(
        self,
        crew: Crew,
        workers: int,
        backlog: Backlog,
        ledger: Ledger,
        cancelled: threading.Event,
        closed: Callable[[], None],
        *,
        logs: bool,
        strict: bool,
    ) -> None:
        super().__init__(ledger)
        self._crew = crew
        self._workers = workers
        self._backlog = backlog
        self._cancelled = cancelled
        self._closed: Callable[[], None] | None = closed
        self._logs = logs
        self._strict = strict
        self._watch = Watch()
        self._lost = 0

    def drop(self, keys: Collection[str]) -> None:
        """See `Session.drop`."""
        self._step(0.0)  # fewer are taken for running or waiting that have ended
        self._end({self._ledger.open[key] for key in keys if key in self._ledger.open}, "dropped before it ended")

    def running(self) -> dict[str, Running]:
        """See `Session.running`."""
        return {
            hand.chunk[0].work.key: Running(hand.since, hand.log)
            for hand in self._crew.hands
            if hand.chunk and hand.chunk[0]
        }

    def waiting(self) -> list[str]:
        """The works that do not run yet."""
        at_work = self.running()
        return [key for key in self._ledger.open if key not in at_work]

    def close(self) -> None:
        """See `Session.close`."""
        if self._closed:
            self._crew.free()
            self._crew.uncapture()
            self._closed()
            self._closed = None

    def _step(self, pause: float | None) -> None:
        """See `Stepped`."""
        if self._closed is None:
            raise ArgosyError("this session is closed", next="begin another one")
        self._crew.launch()
        if self._cancelled.is_set():
            self._cancelled.clear()
            self._end(set(self._ledger.open.values()), "cancelled before it ended")
        try:
            self._hand_out()
            if pause is None:
                return
            now = time.monotonic()
            due = self._backlog.due
            for hand in self._crew.wait(min(pause, TICK, TICK if due is None else max(0.0, due - now))):
                self._read(hand)
            self._watch.look(self._crew.hands, time.monotonic())
            self._hand_out()  # before the caller looks at results, which may take it a while
        except NurseryLost:
            self._recover()

    # Giving work.

    def _hand_out(self) -> None:
        while True:
            idle = next((hand for hand in self._crew.hands if not hand.chunk), None)
            if idle is None and len(self._crew.hands) >= self._workers:
                return
            now = time.monotonic()
            chunk = self._backlog.take(now)
            if chunk is None:
                if not self._relieve(now):
                    return
                continue
            try:
                parts = Channel.encode([job.work.arguments for job in chunk.jobs])
            except Exception as error:
                self._unsendable(chunk.jobs, error)
                continue
            try:
                self._send(idle, chunk, parts)
            except NurseryLost:
                self._backlog.apart(chunk.jobs, fresh=chunk.fresh)
                raise

    def _relieve(self, now: float) -> bool:
        """Take back what waits in the chunk of a long work, for a worker that is idle. Whether there was any."""
        rest: list[Job] = []
        for hand in self._crew.hands:
            if len(hand.chunk) > 1 and not hand.recalled and now - hand.since > TICK:
                rest += hand.recall()
        self._backlog.back(rest)
        return bool(rest)

    def _unsendable(self, jobs: list[Job], error: Exception) -> None:
        if len(jobs) > 1:
            self._backlog.apart(jobs)
            return
        message, trace = describe(error)
        message = f"the arguments cannot be sent to a worker: {message}"
        self._ledger.charge(jobs[0], Failure("exception", message[:_MESSAGE], trace))

    def _send(self, hand: Hand | None, chunk: Chunk, parts: list[Any]) -> None:
        if hand is not None and chunk.fresh and hand.finished:
            self._crew.dismiss(hand)
            hand = None
        hand = hand or self._crew.hire()
        work = chunk.jobs[0].work
        if work.memory is not None and not hand.finished and (held := resident(hand.pid)) >= work.memory:
            self._impossible(
                chunk.jobs,
                "memory",
                f"memory limit {work.memory:,} bytes is below the {held:,} that a worker holds before its first task",
                "raise the limit, or preload fewer modules",
            )
            return
        # A lone work of a function that is known starts at once: no need to tell.
        tell = len(chunk.jobs) > 1 or len(parts) > 1 or work.function not in hand.known
        hand.chunk, hand.function = deque(chunk.jobs), work.function
        hand.ready, hand.recalled, hand.since = not tell, False, time.monotonic()
        order: Order = work.function, tell, not self._strict, str(self._crew.capture(hand)) if self._logs else None
        parts[0] = Channel.encode(order)[0] + parts[0]
        with contextlib.suppress(OSError):  # it died while idle: its closed channel says so next
            hand.channel.write(parts)

    def _impossible(self, jobs: Sequence[Job | None], kind: FailureKind, message: str, next: str = "") -> None:
        if self._strict:
            raise InputError(message, next=next)
        for job in jobs:
            if job:
                self._ledger.fail(job, Failure(kind, message[:_MESSAGE]))

    # Getting answers.

    def _read(self, hand: Hand) -> None:
        try:
            while True:
                self._take(hand, hand.channel.read())
                if not hand.chunk or not hand.channel.ahead:
                    return
        except (EOFError, OSError):
            self._bury(hand)

    def _take(self, hand: Hand, parts: list[Any]) -> None:
        try:
            kind, *rest = Channel.decode(parts)
        except Exception as error:
            message, trace = describe(error)
            message = f"the value cannot be read back: {message}"[:_MESSAGE]
            kind, rest = "done", [None, ("exception", message, trace), UNKNOWN[:4], 0, b""]
        if kind == "done":
            self._conclude(hand, *rest)
        elif kind == "ready":
            hand.ready, hand.since = True, time.monotonic()
            hand.known.add(hand.function)
        elif kind == "stopped":  # perhaps just before the first of what was left
            self._backlog.back([job for job in hand.chunk if job])
            hand.chunk.clear()
        elif kind == "refused":
            jobs = list(hand.chunk)
            hand.chunk.clear()
            self._impossible(jobs, "exception", f"workers cannot import function {hand.function}: {rest[0]}")
        else:
            self._garbled(hand, *rest)

    def _garbled(self, hand: Hand, message: str, trace: str) -> None:
        jobs = [job for job in hand.chunk if job]
        alone = len(hand.chunk) == 1
        hand.chunk.clear()
        if not alone:
            self._backlog.apart(jobs)
        elif jobs:
            message = f"the arguments cannot be read by a worker: {message}"
            self._ledger.charge(jobs[0], Failure("exception", message[:_MESSAGE], trace))

    def _conclude(
        self,
        hand: Hand,
        value: Any,
        failure: tuple[FailureKind, str, str] | None,
        usage: tuple[float, float, int, float],
        written: int,
        log: bytes,
    ) -> None:
        job = hand.chunk.popleft()
        hand.finished += 1
        hand.since = time.monotonic()
        attempt = Attempt(*usage, log)
        self.cpu_s += attempt.cpu_s
        if job is None:
            return
        job.starts += 1
        if job.lane:
            job.lane.measure(attempt.wall_s)
        timeout, memory = job.work.timeout, job.work.memory
        spoilt = job.work.alone
        if memory is not None and attempt.peak_bytes > memory:
            spoilt = True  # whatever it still holds would count against the next work
            self._ledger.suspect(hand.finished > 1, job, too_large(attempt.peak_bytes, memory), attempt)
        elif timeout is not None and attempt.wall_s > timeout:
            self._ledger.charge(job, too_long(attempt.wall_s, timeout), attempt)
        elif written > LIMIT:
            self._ledger.charge(job, too_loud(written, LIMIT), attempt)
        elif failure is not None:
            self._ledger.charge(job, Failure(*failure), attempt)
        else:
            self._ledger.succeed(job, value, attempt)
        if spoilt:
            self._backlog.back([waiting for waiting in hand.chunk if waiting])
            hand.chunk.clear()
            self._crew.dismiss(hand)

    def _bury(self, hand: Hand) -> None:
        log = hand.written()
        code = self._crew.dismiss(hand)
        chunk, verdict = list(hand.chunk), hand.verdict
        hand.chunk.clear()
        jobs = [job for job in chunk if job]
        if not hand.ready and len(chunk) > 1:
            self._backlog.apart(jobs)
            return
        first = chunk[0] if chunk else None
        if first is None or (verdict and verdict.job is not first):  # the one it was killed for is gone already
            self._backlog.back(jobs)
            return
        self._backlog.back(jobs[1:])
        first.starts += 1
        if verdict is None and code == -signal.SIGKILL and first.killed < _KILLS:  # no work does that to itself
            first.killed += 1
            self._backlog.apart([first], fresh=True)
            return
        failure = verdict.failure if verdict else died(code)
        doubtful = hand.finished > 0 and failure.kind in ("crash", "memory")
        self._ledger.suspect(doubtful, first, failure, Attempt(log=log))

    # Ends.

    def _recover(self) -> None:
        for hand in self._crew.hands:
            self._backlog.back([job for job in hand.chunk if job])
        self._crew.close()
        self._lost += 1
        if self._lost > _NURSERIES:
            raise ArgosyError(
                f"the process that starts workers was killed {self._lost} times",
                next="see the system's log: it may be out of memory",
            )

    def _end(self, jobs: set[Job], message: str) -> None:
        self._backlog.drop(jobs)
        failure = Failure("cancelled", message)
        logs: dict[Job, bytes] = {}
        for hand in self._crew.hands:
            first = hand.chunk[0] if hand.chunk else None
            if first in jobs:
                logs[first] = hand.written()
                hand.verdict = Verdict(first, failure)
                hand.kill()
                hand.chunk[0] = None
            if not jobs.isdisjoint(hand.chunk):
                self._backlog.back([job for job in hand.recall() if job not in jobs])
        for job in jobs:
            self._ledger.fail(job, failure, Attempt(log=logs.get(job, b"")))
