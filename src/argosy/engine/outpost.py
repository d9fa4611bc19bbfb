"""One worker on a node of a cluster, and beside it a supervisor that watches its limits where it is."""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Sequence
from random import Random
from typing import Any, NamedTuple, cast

import msgspec

from argosy.engine import log
from argosy.engine.backlog import Backlog
from argosy.engine.contract import Failure, Result, Work
from argosy.engine.crew import Crew
from argosy.engine.key import versions
from argosy.engine.ledger import Ledger
from argosy.engine.parcel import Forwarded, Parcel
from argosy.engine.run import Run
from argosy.engine.watch import TICK
from argosy.engine.worker import describe
from argosy.errors import ArgosyError

_GATHER = 0.01  # seconds for which further results are waited for, so that brief works do not each cost a call
_TAIL = 256 << 10  # bytes of a log that are told at a time
_MESSAGE = 500

Order = tuple[Work, Parcel]
"""A work without its arguments, and these."""


class Glance(NamedTuple):
    """The work that runs: for how many seconds; the bytes of its log, and the last of them that were not told yet."""

    key: str
    seconds: float
    written: int
    tail: bytes


class Report(NamedTuple):
    """What became of works since the last one: those with a result, and those that did not run and come back.

    `cpu_s` counts from the beginning of the session. An `error` ends it.
    """

    results: list[tuple[Result, Parcel]]
    back: list[str]
    glance: Glance | None
    cpu_s: float
    error: ArgosyError | None


class Outpost:
    """An actor. `turn` gives it works and waits for what becomes of them; meanwhile `tell` may be called beside it.

    Works come with arguments that it never opens. It tries each once: whether a failure is the end of a work is decided
    where that came from.
    """

    def __init__(self, preload: Sequence[str], paths: Sequence[str]) -> None:
        self._crew = Crew(preload, paths, os.environ)
        self._turns = threading.Lock()
        self._told: deque[tuple[int, list[str], bool]] = deque()
        self._left = threading.Event()
        self._run: Run | None = None
        self._recalled: set[str] = set()
        self._number = 0  # of the chunk
        self._known = ("", 0)  # the work whose log was told last, and how many bytes of it

    def begin(self, *, logs: bool, strict: bool) -> dict[str, str]:
        """Begin a session; the versions of what is installed here."""
        with self._turns:
            self._left.clear()
            self._told.clear()
            self._recalled.clear()
            backlog = Backlog(workers=1, chunk_seconds=1.0)
            ledger = Ledger(backlog, 0.0, Random())
            self._crew.launch()
            self._run = Run(
                self._crew, 1, backlog, ledger, threading.Event(), self._left.clear, logs=logs, strict=strict
            )  # fmt: skip
            return versions()

    def turn(self, number: int, orders: Sequence[Order], wait: float) -> Report:
        """Take the works of a chunk, and wait for results: at most `wait` seconds for the first, a moment for others.

        Chunks are numbered; one that was taken is asked for again without works.
        """
        with self._turns:
            run, found, back, error = self._run, list[tuple[Result, Parcel]](), list[str](), None
            assert run is not None
            deadline = time.monotonic() + wait
            if number != self._number:
                self._number, self._known = number, ("", 0)
            try:
                self._recalled.difference_update(work.key for work, _ in orders)
                run.submit([_opened(work, parcel) for work, parcel in orders])
                while run.open and not self._left.is_set():
                    self._heed(run)
                    gathered = run.results(min(TICK, max(0.0, deadline - time.monotonic())))
                    if gathered and not found:
                        deadline = min(deadline, time.monotonic() + _GATHER)
                    for result in gathered:
                        if result.failure and result.failure.kind == "cancelled" and result.key in self._recalled:
                            back.append(result.key)
                        else:
                            found.append(_packed(result))
                    if time.monotonic() >= deadline:
                        break
            except ArgosyError as raised:
                error = raised
            return Report(found, back, self._glance(run), run.cpu_s, error)

    def tell(self, number: int, dropped: list[str], *, recall: bool) -> None:
        """Drop some works of a chunk; take back what has not begun, if `recall`. Nothing where the chunk is over."""
        self._told.append((number, dropped, recall))

    def end(self) -> None:
        """End the session: what is open is forgotten, and a worker that is busy with it is killed."""
        self._left.set()
        with self._turns:
            if self._run:
                self._run.close()
                self._run = None

    def stop(self) -> None:
        """End all processes."""
        self._left.set()
        with self._turns:
            self._crew.stop()

    def _heed(self, run: Run) -> None:
        while self._told:
            number, dropped, recall = self._told.popleft()
            if number != self._number:
                continue
            run.drop(dropped)
            if recall:
                waiting = run.waiting()
                self._recalled.update(waiting)
                run.drop(waiting)

    def _glance(self, run: Run) -> Glance | None:
        for key, running in run.running().items():
            told = self._known[1] if self._known[0] == key else 0
            written, tail = log.tail(running.log, _TAIL) if running.log else (0, b"")
            told = told if told <= written else 0  # it runs again
            self._known = (key, written)
            new = tail[-(written - told) :] if written > told else b""
            return Glance(key, time.monotonic() - running.since, written, new)
        return None


def _opened(work: Work, parcel: Parcel) -> Work:
    return msgspec.structs.replace(work, arguments=cast(tuple[Any, ...], Forwarded(parcel)), retries=0)


def _packed(result: Result) -> tuple[Result, Parcel]:
    value = result.value
    result = msgspec.structs.replace(result, value=None)
    try:
        return result, Parcel.of(value)
    except Exception as error:
        message, trace = describe(error)
        message = f"the value of type {type(value).__name__} cannot be sent back: {message}"[:_MESSAGE]
        return msgspec.structs.replace(result, failure=Failure("exception", message, trace)), Parcel.of(None)
