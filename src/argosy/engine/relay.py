"""A session on outposts: hand out chunks, gather reports, give what a lost outpost had to others."""

from __future__ import annotations

import secrets
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Collection
from pathlib import Path

import msgspec

from argosy.engine.backlog import Backlog
from argosy.engine.branch import Branch
from argosy.engine.contract import Failure, Result, Running
from argosy.engine.job import Job
from argosy.engine.key import versions
from argosy.engine.ledger import Attempt, Ledger
from argosy.engine.network import Network
from argosy.engine.outpost import Order, Report
from argosy.engine.parcel import Parcel
from argosy.engine.stepped import Stepped
from argosy.engine.watch import TICK
from argosy.engine.worker import describe
from argosy.errors import ArgosyError

_MESSAGE = 500
_START = 30.0  # seconds for which all outposts are waited for before the first work goes out
_LOST = 3  # how often outposts may be lost that never began
_KILLS = 2  # how often a work whose outpost was lost runs again before it is charged


class Relay(Stepped):
    """Uses a network of outposts while it lasts, leaves it with idle ones, and says so with `closed`. See `Run`."""

    def __init__(
        self,
        network: Network,
        backlog: Backlog,
        ledger: Ledger,
        cancelled: threading.Event,
        closed: Callable[[], None],
        *,
        logs: bool,
        strict: bool,
    ) -> None:
        super().__init__(ledger)
        self._network, self._backlog, self._cancelled = network, backlog, cancelled
        self._closed: Callable[[], None] | None = closed
        self._logs, self._strict = logs, strict
        self._folder = Path(tempfile.mkdtemp(prefix="argosy-")) if logs else None
        self._lost = 0
        self._fill()
        self._await()

    def drop(self, keys: Collection[str]) -> None:
        """See `Session.drop`."""
        self._step(0.0)
        self._end({key for key in keys if key in self._ledger.open}, "dropped before it ended")

    def running(self) -> dict[str, Running]:
        """See `Session.running`. How it stands on other machines is as of the last second."""
        return dict(found for branch in self._network.branches if (found := branch.running()))

    def close(self) -> None:
        """See `Session.close`."""
        if self._closed:
            self._network.free()
            if self._folder:
                shutil.rmtree(self._folder, ignore_errors=True)
            self._closed()
            self._closed = None

    def _step(self, pause: float | None) -> None:
        """See `Stepped`."""
        if self._closed is None:
            raise ArgosyError("this session is closed", next="begin another one")
        self._fill()
        if self._cancelled.is_set():
            self._cancelled.clear()
            self._end(set(self._ledger.open), "cancelled before it ended")
        self._hand_out()
        if pause is None:
            return
        due = self._backlog.due
        left = TICK if due is None else max(0.0, due - time.monotonic())
        for branch in self._network.wait(min(pause, TICK, left)):
            self._read(branch)
        self._hand_out()  # before the caller looks at results, which may take it a while

    def _fill(self) -> None:
        """New outposts for those that are gone, and a session on each that has none."""
        for branch in self._network.fill():
            log = self._folder / f"{secrets.token_hex(8)}.log" if self._folder else None
            branch.begin(logs=self._logs, strict=self._strict, log=log)

    def _await(self) -> None:
        deadline = time.monotonic() + _START
        while (wait := deadline - time.monotonic()) > 0 and not all(each.ready for each in self._network.branches):
            for branch in self._network.wait(wait):
                self._read(branch)

    # Giving work.

    def _hand_out(self) -> None:
        for branch in self._network.branches:
            while branch.ready and not branch.jobs:
                chunk = self._backlog.take(time.monotonic())
                if chunk is None:
                    self._relieve()
                    return
                if orders := self._packed(chunk.jobs):
                    branch.give([job for job, _ in orders], [order for _, order in orders])

    def _relieve(self) -> None:
        """Take back what waits behind a long work, for an outpost that is idle."""
        now = time.monotonic()
        for branch in self._network.branches:
            if len(branch.jobs) > 1 and not branch.recalled and now - branch.since > TICK:
                branch.recall()

    def _packed(self, jobs: list[Job]) -> list[tuple[Job, Order]]:
        found = []
        for job in jobs:
            try:
                found.append((job, (msgspec.structs.replace(job.work, arguments=()), Parcel.of(job.work.arguments))))
            except Exception as error:
                message, trace = describe(error)
                message = f"the arguments cannot be sent to a worker: {message}"
                self._ledger.charge(job, Failure("exception", message[:_MESSAGE], trace))
        return found

    # Getting answers.

    def _read(self, branch: Branch) -> None:
        try:
            answer = self._network.answer(branch)
        except self._network.lost as error:
            self._bury(branch, error)
            return
        if isinstance(answer, Report):
            self._take(branch, answer)
        else:
            self._greet(branch, answer)

    def _greet(self, branch: Branch, theirs: dict[str, str]) -> None:
        ours = versions()
        if other := sorted(name for name in ours.keys() | theirs.keys() if ours.get(name) != theirs.get(name)):
            name = other[0]
            raise ArgosyError(
                f"a worker on Ray has {name} {theirs.get(name)}, and this process has {ours.get(name)}",
                next="install the same there as here: what is made must not depend on where",
            )
        branch.ready = True

    def _take(self, branch: Branch, report: Report) -> None:
        self.cpu_s += report.cpu_s - branch.cpu_s
        branch.cpu_s = report.cpu_s
        for result, parcel in report.results:
            job = branch.jobs.pop(result.key)
            self._conclude(job, result, parcel, dropped=result.key in branch.dropped)
        back = [branch.jobs.pop(key) for key in report.back]
        self._backlog.back([job for job in back if job.work.key not in branch.dropped])
        self._drop([job for job in back if job.work.key in branch.dropped])
        branch.heard(report)
        if report.error:
            raise report.error
        if branch.jobs:
            branch.ask()
        else:
            branch.dropped.clear()

    def _conclude(self, job: Job, result: Result, parcel: Parcel, *, dropped: bool) -> None:
        attempt = Attempt(result.cpu_s, result.wall_s, result.peak_bytes, result.started, result.log)
        job.starts += result.attempts
        if job.lane:
            job.lane.measure(result.wall_s)
        if dropped:
            self._ledger.fail(job, Failure("cancelled", "dropped before it ended"), attempt)
        elif result.failure is None:
            try:
                value = parcel.open()
            except Exception as error:
                message, trace = describe(error)
                message = f"the value cannot be read back: {message}"[:_MESSAGE]
                self._ledger.charge(job, Failure("exception", message, trace), attempt)
            else:
                self._ledger.succeed(job, value, attempt)
        elif not result.attempts:  # no worker could begin it, and none could another time
            self._ledger.fail(job, result.failure, attempt)
        else:
            self._ledger.charge(job, result.failure, attempt)

    def _bury(self, branch: Branch, error: Exception) -> None:
        said = (str(error).splitlines() or [""])[0][: _MESSAGE // 2]
        found = branch.running()
        jobs = {key: job for key, job in branch.jobs.items() if key not in branch.dropped}
        self._drop([job for key, job in branch.jobs.items() if key in branch.dropped])
        self._network.bury(branch)
        if not branch.ready:
            self._lost += 1
            if self._lost > _LOST:
                raise ArgosyError(f"workers on Ray cannot start: {said}", next="see Ray's logs on its machines")
        first = jobs.pop(found[0], None) if found else None
        self._backlog.back(list(jobs.values()))
        if first is None:
            return
        first.starts += 1
        if first.killed < _KILLS:
            first.killed += 1
            self._backlog.apart([first])
        else:
            self._ledger.charge(first, Failure("crash", f"its worker on Ray was lost: {said}"))

    # Ends.

    def _end(self, keys: set[str], message: str) -> None:
        for branch in self._network.branches:
            if mine := keys & branch.jobs.keys():
                branch.drop(mine)
                keys = keys - mine
        jobs = [self._ledger.open[key] for key in keys]
        self._backlog.drop(set(jobs))
        self._drop(jobs, message)

    def _drop(self, jobs: list[Job], message: str = "dropped before it ended") -> None:
        for job in jobs:
            self._ledger.fail(job, Failure("cancelled", message))
