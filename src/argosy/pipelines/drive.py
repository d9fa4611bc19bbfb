"""Driving: several runs on one session of an engine, until each came to its end."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from argosy.engine.contract import Failure, Result, Session
from argosy.errors import InputError
from argosy.pipelines import collector, work
from argosy.pipelines.format import named
from argosy.pipelines.formats.sink import Sink
from argosy.pipelines.runner import Runner
from argosy.pipelines.slots import Slots
from argosy.store import Blobs

_TICK = 0.05
_LOOK = 1.0  # seconds between looks at whether a run was cancelled

Train = Callable[[str], Any]
"""Trains a fleet; returns a plain value that says what became of its members. Called in a thread of its own."""


class Drive:
    """Drives runs to their ends. `cancelled` is asked about each run every second; `tick` is called all the while."""

    def __init__(
        self, session: Session, slots: Slots, blobs: Blobs, *, train: Train | None = None,
        cancelled: Callable[[Runner], bool] | None = None, tick: Callable[[Session], None] | None = None,
    ) -> None:  # fmt: skip
        self._session = session
        self._slots = slots
        self._train = train
        self._blobs = blobs
        self._cancelled = cancelled
        self._tick = tick
        self._trainings: dict[Future[Result], Runner] = {}
        self._looked = time.monotonic()
        self._active: dict[str, Runner] = {}

    def run(self, runners: Sequence[Runner]) -> Iterator[tuple[Runner, bool]]:
        """Drive runs; yields each once it is over, and whether it was cancelled. All that came of it has landed.

        Whatever ends this, what came is landed and no work of these runs is left at work. Raises LeaseError where the
        right to a run was lost.
        """
        with collector.relaxed(), self._threads() as pool:
            self._active = {runner.tag: runner for runner in runners}
            try:
                while self._active:
                    for runner in list(self._active.values()):
                        self._advance(runner, pool)
                    yield from self._over()
                    if self._active:
                        self._gather()
            except BaseException:
                self._give_up()
                raise

    def _advance(self, runner: Runner, pool: ThreadPoolExecutor) -> None:
        if works := runner.advance():
            self._session.submit(works)
        for key, fleet in runner.fleets():
            self._trainings[pool.submit(self._trained, key, fleet)] = runner
        if not runner.patience:
            runner.land()

    def _over(self) -> Iterator[tuple[Runner, bool]]:
        for tag, runner in list(self._active.items()):
            if runner.over and not runner.patience:
                runner.land()
            if runner.over:
                del self._active[tag]
                yield runner, False
        if self._cancelled is None or time.monotonic() - self._looked < _LOOK:
            return
        self._looked = time.monotonic()
        for tag, runner in list(self._active.items()):
            if self._cancelled(runner):
                del self._active[tag]
                self._session.drop(runner.stop())
                yield runner, True

    def _gather(self) -> None:
        wait = min(_TICK, *(runner.patience for runner in self._active.values()))
        if self._session.open:
            found = self._session.results(wait)
        else:
            time.sleep(wait)
            found = []
        for result in found:
            runner = self._active.get(f"{result.key.partition(':')[0]}:")
            if runner is not None:  # else it was cancelled meanwhile
                runner.take(result)
        for training in [each for each in self._trainings if each.done()]:
            self._trainings.pop(training).take(training.result())
        self._slots.beat()
        if self._tick is not None:
            self._tick(self._session)

    def _give_up(self) -> None:
        for runner in self._active.values():
            self._session.drop(runner.stop())

    @contextmanager
    def _threads(self) -> Iterator[ThreadPoolExecutor]:
        pool = ThreadPoolExecutor(1, thread_name_prefix="argosy-train")
        try:
            yield pool
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    def _trained(self, key: str, fleet: str) -> Result:
        started, began, cpu = time.time(), time.monotonic(), time.thread_time()
        value: bytes | None = None
        failure = None
        try:
            if self._train is None:
                raise InputError(
                    f"nobody here can train fleet {fleet}", next=f"argosy train {fleet}, then run it again"
                )
            value = self._reply(self._train(fleet))
        except Exception as error:  # whatever the project's code raises fails this step alone
            failure = Failure("exception", f"{type(error).__name__}: {error}"[:500])
        return Result(key, value, failure, time.thread_time() - cpu, time.monotonic() - began, 0, 1, started)

    def _reply(self, value: Any) -> bytes:
        form, sink = named("value"), Sink(self._blobs)
        form.save(value, sink)
        saved = sink.finish()
        made = work.Made(form.name, saved.digest, saved.bytes, saved.data, form.preview(value))
        return work.encode(work.Reply((made,)))
