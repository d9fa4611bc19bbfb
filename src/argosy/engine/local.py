"""The engine of one machine: warm worker processes under a supervisor of our own."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Self

from argosy.engine.contract import Engine, Progress, Result, Task
from argosy.engine.crew import Crew
from argosy.engine.reference import reference
from argosy.engine.run import Limits, Run
from argosy.errors import ConflictError, InputError


class Local(Engine):
    """Worker processes on this machine, forked from one process that imported `preload` once.

    `workers` defaults to the processors that this process may use. `preload` names modules that most tasks need;
    one that starts threads when imported (Polars does) is imported by each worker instead. `paths` go in front of the
    workers' `sys.path`, for functions of a user's project. `backoff` is the pause in seconds before the first retry
    of a task; it doubles with each. Processes start with the first `map`, or on entering the context.
    """

    def __init__(
        self,
        workers: int | None = None,
        *,
        preload: Sequence[str] = (),
        paths: Sequence[str | Path] = (),
        backoff: float = 0.1,
    ) -> None:
        if workers is not None and workers < 1:
            raise InputError(f"workers is {workers}; it must be at least 1", next="leave it out to use all processors")
        self.workers = workers or len(os.sched_getaffinity(0))
        self._backoff = backoff
        self._crew = Crew(preload, [str(path) for path in paths], os.environ)
        self._stop = weakref.finalize(self, self._crew.stop)
        self._running = threading.Lock()
        self._cancelled = threading.Event()

    def __enter__(self) -> Self:
        self._crew.launch()
        return self

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
        """See `Engine.map`. Raises `ConflictError` while another `map` of this engine runs."""
        name = reference(function)
        _check("timeout", timeout)
        _check("memory", memory)
        _check("chunk_seconds", chunk_seconds)
        if retries < 0:
            raise InputError(f"retries is {retries}; it must be 0 or more")
        _check_keys(tasks)
        limits = Limits(timeout, memory, retries, self._backoff, chunk_seconds)
        return self._map(name, tasks, limits, on_progress)

    def cancel(self) -> None:
        """See `Engine.cancel`. Noticed within a twentieth of a second."""
        if self._running.locked():
            self._cancelled.set()

    def close(self) -> None:
        """See `Engine.close`."""
        self._stop()

    def _map(
        self, name: str, tasks: Sequence[Task], limits: Limits, on_progress: Callable[[Progress], None] | None
    ) -> Iterator[Result]:
        if not self._running.acquire(blocking=False):
            raise ConflictError("this engine is running another map", next="read that one to its end, or use a second")
        try:
            self._cancelled.clear()
            run = Run(self._crew, self.workers, name, tasks, limits, self._cancelled)
            yield from run.results(on_progress)
        finally:
            self._running.release()


def _check(name: str, limit: float | None) -> None:
    if limit is not None and not limit > 0:
        raise InputError(f"{name} is {limit}; it must be above 0", next="leave it out for no limit")


def _check_keys(tasks: Sequence[Task]) -> None:
    seen: set[str] = set()
    for task in tasks:
        if task.key in seen:
            raise InputError(f"two tasks have the key {task.key!r}; a key names one task of a map")
        seen.add(task.key)
