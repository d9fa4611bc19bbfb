"""The engine of one machine: warm worker processes under a supervisor of our own."""

from __future__ import annotations

import os
import weakref
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Self

from argosy.engine.backlog import Backlog
from argosy.engine.crew import Crew
from argosy.engine.exclusive import Exclusive
from argosy.engine.ledger import Ledger
from argosy.engine.run import Run
from argosy.engine.stepped import Stepped


class Local(Exclusive):
    """Worker processes on this machine, forked from one process that imported `preload` once.

    `workers` defaults to the processors that this process may use. `preload` names modules that most tasks need;
    one that starts threads when imported (Polars does) is imported by each worker instead. `paths` go in front of the
    workers' `sys.path`, for functions of a user's project. For `backoff` and `random` see `Exclusive`. Processes start
    with the first `map` or work, or on entering the context.
    """

    def __init__(
        self,
        workers: int | None = None,
        *,
        preload: Sequence[str] = (),
        paths: Sequence[str | Path] = (),
        backoff: float = 0.1,
        random: Random | None = None,
    ) -> None:
        super().__init__(len(os.sched_getaffinity(0)) if workers is None else workers, backoff, random)
        self._crew = Crew(preload, [str(path) for path in paths], os.environ)
        self._stop = weakref.finalize(self, self._crew.stop)

    def __enter__(self) -> Self:
        self._crew.launch()
        return self

    def close(self) -> None:
        """See `Engine.close`."""
        self._stop()

    def _open(self, backlog: Backlog, ledger: Ledger, *, logs: bool, strict: bool) -> Stepped:
        closed = self._running.release
        return Run(self._crew, self.workers, backlog, ledger, self._cancelled, closed, logs=logs, strict=strict)
