"""The works of a session that are open, and the results of those that have ended."""

from __future__ import annotations

import time
from collections.abc import KeysView, Sequence
from random import Random
from typing import NamedTuple, NoReturn

from argosy.engine.backlog import Backlog
from argosy.engine.contract import Failure, Result, Work
from argosy.engine.job import Job
from argosy.engine.reference import reference
from argosy.errors import InputError

_LONGEST = 60.0  # seconds between two attempts


class Attempt(NamedTuple):
    """What is known of an attempt: its usage, when it started, what it wrote. See `Result`."""

    cpu_s: float = 0.0
    wall_s: float = 0.0
    peak_bytes: int = 0
    started: float = 0.0
    log: bytes = b""


UNKNOWN = Attempt()


class Ledger:
    """Enters works, closes each with one result, and decides whether a failure is the end of a work.

    Its length is the number of works whose result has not been read; `open` holds those that have none yet.

    The pause before a further attempt is `backoff` seconds, doubled with each and at most a minute, of which
    `random` takes away up to a half, so that works that failed together do not come back together.
    """

    def __init__(self, backlog: Backlog, backoff: float, random: Random) -> None:
        self._backlog = backlog
        self._backoff = backoff
        self._random = random
        self._ended: dict[str, Result] = {}
        self.open: dict[str, Job] = {}

    def __len__(self) -> int:
        return len(self.open) + len(self._ended)

    def enter(self, works: Sequence[Work]) -> None:
        """Add works to the backlog; all or, with `InputError`, none."""
        check(works, self.open.keys(), self._ended.keys())
        jobs = {work.key: Job(work) for work in works}
        self.open |= jobs
        self._backlog.put(jobs.values())

    def succeed(self, job: Job, value: object, attempt: Attempt) -> None:
        """Close a work with its value."""
        self._close(job, value, None, attempt)

    def charge(self, job: Job, failure: Failure, attempt: Attempt = UNKNOWN) -> None:
        """Count a failure: the work runs again after a pause, or ends if its retries are spent."""
        job.charged += 1
        if job.charged > job.work.retries:
            self.fail(job, failure, attempt)
        else:
            pause = min(_LONGEST, self._backoff * 2.0 ** min(job.charged - 1, 60)) * self._random.uniform(0.5, 1.0)
            self._backlog.later(job, time.monotonic() + pause)

    def suspect(self, doubtful: bool, job: Job, failure: Failure, attempt: Attempt) -> None:
        """Charge a work; in doubt, when its worker had run others before, let it run in a fresh one first."""
        if doubtful:
            self._backlog.apart([job], fresh=True)
        else:
            self.charge(job, failure, attempt)

    def fail(self, job: Job, failure: Failure, attempt: Attempt = UNKNOWN) -> None:
        """Close a work with a failure, whatever retries are left."""
        self._close(job, None, failure, attempt)

    def results(self) -> list[Result]:
        """The results since the last call."""
        ended, self._ended = self._ended, {}
        return list(ended.values())

    def _close(self, job: Job, value: object, failure: Failure | None, attempt: Attempt) -> None:
        cpu, wall, peak, started, log = attempt
        del self.open[job.work.key]
        self._ended[job.work.key] = Result(job.work.key, value, failure, cpu, wall, peak, job.starts, started, log)


def check(works: Sequence[Work], *taken: KeysView[str]) -> None:
    """Raise `InputError` for a key that is taken or comes twice, a misshapen function, a limit out of range."""
    keys = {work.key for work in works}
    if len(keys) < len(works) or not all(held.isdisjoint(keys) for held in taken):
        _refuse_repeated(works, *taken)
    function = None
    for work in works:
        if work.function != function:
            function = reference(work.function)
        for name, limit in (("timeout", work.timeout), ("memory", work.memory)):
            if limit is not None and not limit > 0:
                raise InputError(
                    f"{name} is {limit} for {work.key!r}; it must be above 0", next="leave it out for no limit"
                )
        if work.retries < 0:
            raise InputError(f"retries is {work.retries} for {work.key!r}; it must be 0 or more")


def _refuse_repeated(works: Sequence[Work], *taken: KeysView[str]) -> NoReturn:
    seen = set().union(*taken)
    for key in (work.key for work in works):
        if key in seen:
            break
        seen.add(key)
    raise InputError(f"two works have the key {key!r}; a key names one work until its result has been read")
