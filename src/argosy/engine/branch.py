"""The owner's side of one outpost: what it is busy with, and what was heard of it last."""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from argosy.engine.contract import Running
from argosy.engine.job import Job
from argosy.engine.outpost import Glance, Order, Outpost, Report

_WAIT = 1.0  # seconds after which an outpost says how it stands, whether there is news or not
_WAIT_LOGS = 0.2


class Branch:
    """An outpost on Ray, one processor for it. It is `ready` once its session has begun, and `idle` without works."""

    def __init__(self, ray: ModuleType, preload: Sequence[str], paths: Sequence[str]) -> None:
        self._ray = ray
        made = ray.remote(Outpost).options(num_cpus=1, max_concurrency=2, scheduling_strategy="SPREAD")
        self._outpost = made.remote(list(preload), list(paths))
        self._number = 0  # of the chunk that it has
        self._glance: Glance | None = None
        self._log: Path | None = None
        self.jobs: dict[str, Job] = {}
        self.dropped: set[str] = set()
        self.ready = False
        self.recalled = False
        self.since = 0.0
        self.cpu_s = 0.0
        self.call: Any = None  # what it was asked last and has not answered

    def begin(self, *, logs: bool, strict: bool, log: Path | None) -> None:
        """Ask it to begin a session; what its works write is followed in a file."""
        self.ready, self._log, self.cpu_s = False, log, 0.0
        self.call = self._outpost.begin.remote(logs=logs, strict=strict)

    def give(self, jobs: Sequence[Job], orders: Sequence[Order]) -> None:
        """Give it a chunk."""
        self.jobs = {job.work.key: job for job in jobs}
        self._number += 1
        self.recalled, self._glance, self.since = False, None, time.monotonic()
        if self._log:
            self._log.write_bytes(b"")
        self.ask(orders)

    def ask(self, orders: Sequence[Order] = ()) -> None:
        """Ask for what becomes of its works."""
        self.call = self._outpost.turn.remote(self._number, list(orders), _WAIT_LOGS if self._log else _WAIT)

    def drop(self, keys: Collection[str]) -> None:
        """Let it drop some works."""
        self.dropped |= set(keys)
        self._outpost.tell.remote(self._number, list(keys), recall=False)

    def recall(self) -> None:
        """Let it give back what it has not begun, once a chunk."""
        self.recalled = True
        self._outpost.tell.remote(self._number, [], recall=True)

    def heard(self, report: Report) -> None:
        """Note how it stands."""
        self.since = time.monotonic()
        before, self._glance = self._glance, report.glance
        if self._log is None or report.glance is None:
            return
        fresh = before is None or before.key != report.glance.key
        with self._log.open("r+b") as file:
            file.truncate(0 if fresh else report.glance.written)
            file.truncate(report.glance.written)
            os.pwrite(file.fileno(), report.glance.tail, report.glance.written - len(report.glance.tail))

    def running(self) -> tuple[str, Running] | None:
        """The work that it runs, as far as is known: until it was heard, the first of those that it has."""
        if not self.jobs:
            return None
        if self._glance is None or self._glance.key not in self.jobs:
            return next(iter(self.jobs)), Running(self.since, self._log)
        return self._glance.key, Running(self.since - self._glance.seconds, self._log)

    def end(self) -> Any:
        """Ask it to end its session."""
        self.ready, self.call = False, None
        self.jobs, self.dropped = {}, set()
        return self._outpost.end.remote()

    def stop(self) -> Any:
        """Ask it to end its processes."""
        return self._outpost.stop.remote()

    def kill(self) -> None:
        """End it, at once."""
        self._ray.kill(self._outpost)
