"""One `map` on local workers: hand out chunks, gather answers, judge limits and deaths."""

from __future__ import annotations

import contextlib
import select
import signal
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from argosy.engine.backlog import Backlog, Chunk
from argosy.engine.channel import Channel
from argosy.engine.contract import Failure, Progress, Result, Task
from argosy.engine.crew import Crew, Hand, NurseryLost
from argosy.engine.usage import resident
from argosy.engine.worker import describe
from argosy.errors import ArgosyError, InputError

_TICK = 0.05  # seconds between looks at limits and at cancellation
_REPORT = 0.1  # seconds between progress reports
_START = 60.0  # seconds that a worker may take beyond the timeout to import the function and read its arguments
_MESSAGE = 500
_NURSERIES = 3  # how often the process that forks workers may be lost in one map
_KILLS = 2  # how often a task whose worker was killed from outside runs again before it is charged


class Limits(NamedTuple):
    """What a task may use (seconds, bytes; None for no limit), and how it is tried again."""

    timeout: float | None
    memory: int | None
    retries: int
    backoff: float
    chunk_seconds: float


class Run:
    """The state of one `map`. Uses the crew while it lasts and leaves it with idle workers only."""

    def __init__(
        self, crew: Crew, workers: int, function: str, tasks: Sequence[Task], limits: Limits, cancelled: threading.Event
    ) -> None:
        self._crew = crew
        self._workers = workers
        self._function = function
        self._tasks = tasks
        self._limits = limits
        self._cancelled = cancelled
        self._backlog = Backlog(len(tasks), workers=workers, chunk_seconds=limits.chunk_seconds)
        self._open = set(range(len(tasks)))
        self._starts: Counter[int] = Counter()
        self._charged: Counter[int] = Counter()
        self._killed: Counter[int] = Counter()
        self._outbox: list[Result] = []
        self._lost = 0
        self._failed = 0
        self._cpu = 0.0

    def results(self, on_progress: Callable[[Progress], None] | None) -> Iterator[Result]:
        """Yield the result of every task. Whatever ends this, no busy worker is left."""
        reported = time.monotonic()
        try:
            while self._open and not self._cancelled.is_set():
                self._step()
                yield from self._flush()
                if on_progress and self._open and time.monotonic() - reported >= _REPORT:
                    reported = time.monotonic()
                    on_progress(self._progress())
            self._give_up()
            yield from self._flush()
            if on_progress:
                on_progress(self._progress())
        finally:
            self._crew.free()

    def _step(self) -> None:
        try:
            self._hand_out()
            for hand in self._wait():
                self._read(hand)
            self._enforce()
        except NurseryLost:
            self._recover()

    def _flush(self) -> Iterator[Result]:
        ready, self._outbox = self._outbox, []
        yield from ready

    def _progress(self) -> Progress:
        total = len(self._tasks)
        return Progress(total=total, done=total - len(self._open), failed=self._failed, cpu_s=self._cpu)

    # Giving work.

    def _hand_out(self) -> None:
        while True:
            idle = next((hand for hand in self._crew.hands if not hand.chunk), None)
            if idle is None and len(self._crew.hands) >= self._workers:
                return
            chunk = self._backlog.take(time.monotonic())
            if chunk is None:
                return
            try:
                parts = Channel.encode([self._tasks[index].arguments for index in chunk.tasks])
            except Exception as error:
                self._unsendable(chunk.tasks, error)
                continue
            try:
                self._send(idle, chunk, parts)
            except NurseryLost:
                self._backlog.apart(chunk.tasks, fresh=chunk.fresh)
                raise

    def _unsendable(self, tasks: list[int], error: Exception) -> None:
        if len(tasks) > 1:
            self._backlog.apart(tasks)
            return
        message, trace = describe(error)
        message = f"the arguments cannot be sent to a worker: {message}"
        self._charge(tasks[0], Failure("exception", message[:_MESSAGE], trace))

    def _send(self, hand: Hand | None, chunk: Chunk, parts: list[Any]) -> None:
        if hand is not None and chunk.fresh and hand.finished:
            self._crew.dismiss(hand)
            hand = None
        hand = hand or self._hire()
        hand.chunk, hand.ready, hand.since = deque(chunk.tasks), False, time.monotonic()
        with contextlib.suppress(OSError):  # it died while idle: its closed channel says so next
            hand.channel.send(self._function)
            hand.channel.write(parts)

    def _hire(self) -> Hand:
        hand = self._crew.hire()
        limit, held = self._limits.memory, resident(hand.pid)
        if limit is not None and held >= limit:
            raise InputError(
                f"memory limit {limit:,} bytes is below the {held:,} that a worker holds before its first task",
                next="raise the limit, or preload fewer modules",
            )
        return hand

    # Getting answers.

    def _wait(self) -> list[Hand]:
        busy = {hand.channel.fileno(): hand for hand in self._crew.hands if hand.chunk}
        poll = select.poll()
        for descriptor in busy:
            poll.register(descriptor, select.POLLIN)
        pause = _TICK
        if self._backlog.due is not None:
            pause = min(pause, max(0.0, self._backlog.due - time.monotonic()))
        return [busy[descriptor] for descriptor, _ in poll.poll(pause * 1000)]

    def _read(self, hand: Hand) -> None:
        try:
            while hand.chunk:
                self._take(hand, hand.channel.read())
                if not hand.channel.ahead:
                    return
        except (EOFError, OSError):
            self._bury(hand)

    def _take(self, hand: Hand, parts: list[Any]) -> None:
        try:
            kind, *rest = Channel.decode(parts)
        except Exception as error:
            message, trace = describe(error)
            message = f"the value cannot be read back: {message}"[:_MESSAGE]
            kind, rest = "done", [None, (message, trace), (0.0, 0.0, 0)]
        if kind == "done":
            self._conclude(hand, *rest)
        elif kind == "ready":
            hand.ready, hand.since = True, time.monotonic()
        elif kind == "refused":
            raise InputError(f"workers cannot import function {self._function}: {rest[0]}")
        else:
            self._garbled(hand, *rest[0])

    def _garbled(self, hand: Hand, message: str, trace: str) -> None:
        tasks = list(hand.chunk)
        hand.chunk.clear()
        if len(tasks) > 1:
            self._backlog.apart(tasks)
        else:
            message = f"the arguments cannot be read by a worker: {message}"
            self._charge(tasks[0], Failure("exception", message[:_MESSAGE], trace))

    def _conclude(
        self, hand: Hand, value: Any, failure: tuple[str, str] | None, usage: tuple[float, float, int]
    ) -> None:
        index = hand.chunk.popleft()
        hand.finished += 1
        hand.since = time.monotonic()
        cpu, wall, peak = usage
        self._cpu += cpu
        self._starts[index] += 1
        self._backlog.measure(wall)
        timeout, memory = self._limits.timeout, self._limits.memory
        if memory is not None and peak > memory:
            self._backlog.back(list(hand.chunk))
            hand.chunk.clear()
            self._crew.dismiss(hand)  # whatever it still holds would count against the next task
            self._blame(hand.finished > 1, index, _too_large(peak, memory), usage)
        elif timeout is not None and wall > timeout:
            self._charge(index, _too_long(wall, timeout), usage)
        elif failure is not None:
            self._charge(index, Failure("exception", *failure), usage)
        else:
            self._open.discard(index)
            self._outbox.append(Result(self._tasks[index].key, value, None, *usage, self._starts[index]))

    # Limits, deaths, failures.

    def _enforce(self) -> None:
        timeout, memory = self._limits.timeout, self._limits.memory
        if timeout is None and memory is None:
            return
        for hand in self._crew.hands:
            if not hand.chunk or hand.verdict:
                continue
            spent = time.monotonic() - hand.since
            if timeout is not None and spent > timeout + (0.0 if hand.ready else _START):
                hand.verdict = hand.chunk[0], _too_long(spent, timeout)
            elif memory is not None and (held := resident(hand.pid)) > memory:
                hand.verdict = hand.chunk[0], _too_large(held, memory)
            if hand.verdict:
                hand.kill()

    def _bury(self, hand: Hand) -> None:
        code = self._crew.dismiss(hand)
        tasks, verdict = list(hand.chunk), hand.verdict
        hand.chunk.clear()
        if not tasks:
            return
        if not hand.ready and len(tasks) > 1:
            self._backlog.apart(tasks)
            return
        first = tasks[0]
        if verdict and verdict[0] != first:  # its task had just ended, and the next one is innocent
            self._backlog.back(tasks)
            return
        self._backlog.back(tasks[1:])
        self._starts[first] += 1
        if verdict is None and code == -signal.SIGKILL and self._killed[first] < _KILLS:  # no task does that to itself
            self._killed[first] += 1
            self._backlog.apart([first], fresh=True)
            return
        failure = verdict[1] if verdict else _died(code)
        self._blame(hand.finished > 0 and failure.kind != "timeout", first, failure)

    def _blame(
        self, doubtful: bool, index: int, failure: Failure, usage: tuple[float, float, int] = (0.0, 0.0, 0)
    ) -> None:
        if doubtful:  # the worker had run other tasks before, which may be the cause
            self._backlog.apart([index], fresh=True)
        else:
            self._charge(index, failure, usage)

    def _charge(self, index: int, failure: Failure, usage: tuple[float, float, int] = (0.0, 0.0, 0)) -> None:
        self._charged[index] += 1
        charged = self._charged[index]
        if charged <= self._limits.retries:
            self._backlog.later(index, time.monotonic() + self._limits.backoff * 2 ** (charged - 1))
            return
        self._open.discard(index)
        self._failed += 1
        self._outbox.append(Result(self._tasks[index].key, None, failure, *usage, self._starts[index]))

    # Ends.

    def _recover(self) -> None:
        for hand in self._crew.hands:
            self._backlog.back(list(hand.chunk))
        self._crew.close()
        self._lost += 1
        if self._lost > _NURSERIES:
            raise ArgosyError(
                f"the process that starts workers was killed {self._lost} times",
                next="see the system's log: it may be out of memory",
            )

    def _give_up(self) -> None:
        for index in sorted(self._open):
            failure = Failure("cancelled", "the map was cancelled before this task ended")
            self._failed += 1
            self._outbox.append(Result(self._tasks[index].key, None, failure, attempts=self._starts[index]))
        self._open.clear()


def _too_long(seconds: float, limit: float) -> Failure:
    return Failure("timeout", f"ran for {seconds:.3g} s; the limit is {limit:.3g} s")


def _too_large(held: int, limit: int) -> Failure:
    return Failure("memory", f"its worker held {held:,} bytes; the limit is {limit:,} bytes")


def _died(code: int) -> Failure:
    if code >= 0:
        return Failure("crash", f"its worker ended with exit code {code}")
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    hint = " (killed from outside; perhaps the system ran out of memory)" if -code == signal.SIGKILL else ""
    return Failure("crash", f"its worker was ended by {name}{hint}")
