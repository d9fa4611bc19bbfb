"""An engine that runs one map or session at a time: what engines share, wherever their workers are."""

from __future__ import annotations

import threading
import time
from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import Any

from argosy.engine.backlog import Backlog
from argosy.engine.contract import Engine, Progress, Result, Session, Task, Work
from argosy.engine.ledger import Ledger, check
from argosy.engine.reference import reference
from argosy.engine.stepped import Stepped
from argosy.errors import ConflictError, InputError

_REPORT = 0.1  # seconds between progress reports


class Exclusive(Engine):
    """Hands a backlog of works for `workers` workers to one session after another, of which a `map` is one.

    `backoff` is the pause in seconds before the first retry of a task; it doubles with each, up to a minute, and
    `random` shortens each by up to a half.
    """

    def __init__(self, workers: int, backoff: float, random: Random | None) -> None:
        if workers < 1:
            raise InputError(f"workers is {workers}; it must be at least 1", next="leave it out to use all processors")
        self.workers = workers
        self._backoff = backoff
        self._random = random or Random()
        self._running = threading.Lock()
        self._cancelled = threading.Event()

    def map(
        self,
        function: Callable[..., Any] | str,
        tasks: Sequence[Task],
        *,
        timeout: float | None = None,
        memory: int | None = None,
        retries: int = 0,
        chunk_seconds: float = 1.0,
        on_progress: Callable[[Progress], None] | None = None,
    ) -> Iterator[Result]:
        """See `Engine.map`. Raises `ConflictError` while another `map` or a session is open."""
        name = reference(function)
        works = [Work(task.key, name, task.arguments, timeout, memory, retries) for task in tasks]
        check(works)
        _check(chunk_seconds)
        return self._map(works, chunk_seconds, on_progress)

    def session(self, *, chunk_seconds: float = 1.0, logs: bool = False) -> Session:
        """See `Engine.session`."""
        _check(chunk_seconds)
        return self._begin(chunk_seconds, logs=logs, strict=False)

    def cancel(self) -> None:
        """See `Engine.cancel`. Noticed within a twentieth of a second."""
        if self._running.locked():
            self._cancelled.set()

    @abstractmethod
    def _open(self, backlog: Backlog, ledger: Ledger, *, logs: bool, strict: bool) -> Stepped:
        """A session over this ledger; it calls `_running.release` when it is closed."""

    def _begin(self, chunk_seconds: float, *, logs: bool, strict: bool) -> Stepped:
        if not self._running.acquire(blocking=False):
            raise ConflictError(
                "this engine is busy with another map or session", next="bring that to its end, or use a second engine"
            )
        self._cancelled.clear()
        backlog = Backlog(workers=self.workers, chunk_seconds=chunk_seconds)
        ledger = Ledger(backlog, self._backoff, self._random)
        try:
            return self._open(backlog, ledger, logs=logs, strict=strict)
        except BaseException:
            self._running.release()
            raise

    def _map(
        self, works: Sequence[Work], chunk_seconds: float, on_progress: Callable[[Progress], None] | None
    ) -> Iterator[Result]:
        failed, reported = 0, time.monotonic()
        with self._begin(chunk_seconds, logs=False, strict=True) as run:
            run.submit(works)
            while run.open:
                results = run.results(_REPORT)
                failed += sum(result.failure is not None for result in results)
                yield from results
                if on_progress and run.open and time.monotonic() - reported >= _REPORT:
                    reported = time.monotonic()
                    on_progress(Progress(len(works), len(works) - run.open, failed, run.cpu_s))
            if on_progress:
                on_progress(Progress(len(works), len(works), failed, run.cpu_s))


def _check(chunk_seconds: float) -> None:
    if not chunk_seconds > 0:
        raise InputError(f"chunk_seconds is {chunk_seconds}; it must be above 0", next="leave it out for a second")
