"""Running pipelines: from a request to a run that came to its end, under a lease, with what it reads pinned."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import PurePath
from typing import Any

import msgspec
from sqlalchemy import Connection

from argosy.controller import ending, tenure
from argosy.controller.clock import SystemClock
from argosy.controller.code import Code
from argosy.controller.house import House
from argosy.controller.interrupt import deferred
from argosy.controller.preload import libraries
from argosy.data.loader import ROWS
from argosy.engine.contract import Session
from argosy.errors import UnknownError
from argosy.pipelines import begin, memo, recipe
from argosy.pipelines.begin import Request
from argosy.pipelines.claiming import Shard
from argosy.pipelines.drive import Drive, Train
from argosy.pipelines.landing import Ended
from argosy.pipelines.piece import Rows
from argosy.pipelines.runner import Runner
from argosy.pipelines.setting import Setting
from argosy.pipelines.slots import Slots
from argosy.pipelines.witness import Witness
from argosy.spec.failed import Failed
from argosy.spec.graph import Data, Graph, Node
from argosy.spec.pipeline import Parameter
from argosy.spec.span import Span
from argosy.spec.step import known
from argosy.spec.trigger import NewVersion
from argosy.store import claims, datasets, leases, runs
from argosy.store.leases import Lease
from argosy.store.runs import Run

_ROUNDS = 10
"""How often one run may find further results to be damaged: each that is mended may show the next."""

OnEnded = Callable[[Ended], None]
Tick = Callable[[Session], None]


def setting(house: House, code: Code, given: Mapping[str, Any], pinned: Mapping[str, str] | None = None) -> Setting:
    """What a run with some parameters works on.

    Datasets are read at their latest version, or at the one that is `pinned` (`flights` -> `flights@3`). Raises
    DeclarationError for parameters or calls that are wrong, UnknownError for a dataset that has no version.
    """
    graph = code.pipeline.trace(given)
    return begin.prepare(graph, _rows(house, graph, pinned or {}), house.environment)


def request(
    house: House, code: Code, given: Mapping[str, Any], cause: str, due_at: datetime | None = None, *,
    shard: Shard | None = None,
) -> Request:  # fmt: skip
    """A run of a pipeline with some parameters, defaults for the others."""
    parameters = {name: _written(value) for name, value in code.pipeline.arguments(given).items()}
    handler = code.pipeline.on_failure
    chosen = tuple(p.name for p in code.pipeline.parameters if p.required or parameters[p.name] != _default(p))
    return Request(
        pipeline=code.pipeline.name, parameters=parameters, bundle=code.bundle, cause=cause, actor=house.actor,
        due_at=due_at, function=code.pipeline.function, chosen=chosen, shard=shard,
        handler=recipe.of(known(handler), house.environment).digest if handler is not None else "",
        awaits=tuple(t.dataset for t in code.pipeline.on if isinstance(t, NewVersion)),
    )  # fmt: skip


def begun(house: House, asked: Request, made: Setting) -> Run:
    """The run for a request: one that was cut off while it did the same, else a new one."""
    with house.store.write() as tx:
        return begin.begin(tx, asked, made, SystemClock().now())


def carry_out(
    house: House, code: Code, run: Run, made: Setting, *, before: int = 0, train: Train | None = None,
    on_ended: OnEnded | None = None, tick: Tick | None = None,
) -> str | None:  # fmt: skip
    """Do what a run has left to do; its outcome, or None where another process is at work on it.

    `before` is the last ending that was known when the run was begun or taken up, 0 where there was none: one that
    came since, as a cancellation does, stands, and nothing is done.

    Ctrl-C ends it: what is done stays, and the run counts as cancelled. Whatever kills this process, the next start of
    the same run goes on where this one came to.
    """
    with tenure.hold(house.store, run.lease) as lease:
        if lease is None:
            return None
        with house.store.read() as conn:
            ending = runs.endings(conn, [run.id]).get(run.id)
            last = _last(conn, run)
        if ending is not None and ending.id > before:
            return ending.outcome
        with deferred() as heed:
            course = _Course(house, code, run, lease, before, train, _all(lambda _: heed(), tick))
            try:
                return course.complete(made, last, on_ended)
            except KeyboardInterrupt:
                course.end(runs.CANCELLED, "interrupted", {})
                raise


def _all(*ticks: Tick | None) -> Tick:
    given = [each for each in ticks if each is not None]

    def ticked(session: Session) -> None:
        for each in given:
            each(session)

    return ticked


class _Course:
    """One process's work on a run."""

    def __init__(
        self, house: House, code: Code, run: Run, lease: Lease, before: int, train: Train | None, tick: Tick
    ) -> None:
        self._house, self._code, self._run, self._lease = house, code, run, lease
        self._before, self._train, self._tick = before, train, tick
        self._store = house.store
        self._clock = SystemClock()

    def complete(self, made: Setting, last: int | None, on_ended: OnEnded | None) -> str:
        runner, cancelled = self._drive(made, last, on_ended)
        lost: set[str] = set()
        for _ in range(_ROUNDS):
            if cancelled or runner.lost <= lost:
                break
            lost |= runner.lost
            runner, cancelled = self._drive(made, self._run.id, on_ended)  # what is lost is made anew, all else known
        if cancelled:
            return runs.CANCELLED
        failures = runner.failures if runner.failed else {}
        body = {
            "counts": dict(runner.counts),
            "results": {name: memo.written(piece) for name, piece in runner.results().items()},
        }
        if failures and self._code.pipeline.on_failure is not None:
            self._handle(self._code.pipeline.on_failure, failures, on_ended)
        reason = "; ".join(f"{name}: {why}" for name, why in failures.items())[:1000]
        return self.end(runs.FAILED if failures else runs.SUCCEEDED, reason, body)

    def end(self, outcome: str, reason: str, body: dict[str, Any]) -> str:
        """Record how the run ended, once; returns what stands, which is a cancellation that came before."""
        with self._write() as tx:
            claims.release(tx, self._run.id)
            last = runs.endings(tx, [self._run.id]).get(self._run.id)
            if last is not None and last.id > self._before:
                return last.outcome
            ending.record(tx, self._run, outcome, self._clock.now(), self._house.actor, reason, body)
            return outcome

    def _drive(self, made: Setting, last: int | None, on_ended: OnEnded | None) -> tuple[Runner, bool]:
        slots = Slots(self._store, self._lease.owner, self._clock.now)
        runner = Runner(
            self._store, self._run, made, write=self._write, clock=self._clock.now, slots=slots, last=last,
            shard=_shard(self._run), on_ended=on_ended,
        )  # fmt: skip
        directory = self._house.activate(self._run.bundle)
        engine = self._house.engine(self._run.bundle, libraries(directory))
        witness = Witness(runner, self._lease.token, self._write, self._clock.now)
        with engine.session(logs=True) as session:
            drive = Drive(
                session, slots, self._store.blobs, train=self._train, cancelled=self._cancelled,
                tick=_all(self._tick, witness.look),
            )  # fmt: skip
            try:
                (found,) = drive.run([runner])
            finally:
                slots.close()
        witness.close()
        return found

    def _handle(self, handler: str, failures: Mapping[str, str], on_ended: OnEnded | None) -> None:
        """Call the pipeline's failure handler; what comes of it is recorded as a call, and changes nothing."""
        step = known(handler)
        with self._store.read() as conn:
            count = len(runs.history(conn, self._run.id))
        told = Failed(self._run.pipeline, self._run.id, count, dict(failures))
        name = next(iter(step.interface.inputs))
        node = Node(f"on_failure/{step.name}", "call", step, {name: msgspec.to_builtins(told)})
        graph = Graph(self._run.pipeline, (node,), {})
        self._drive(begin.prepare(graph, {}, self._house.environment), None, on_ended)

    def _cancelled(self, runner: Runner) -> bool:
        tenure.clear(self._store, runs.LEASE)  # what a run that was killed has claimed is then free
        with self._store.read() as conn:
            last = runs.endings(conn, [self._run.id]).get(self._run.id)
        return last is not None and last.id > self._before

    @contextmanager
    def _write(self) -> Iterator[Connection]:
        with self._store.write() as tx:
            leases.hold(tx, [self._lease])
            yield tx


def _rows(house: House, graph: Graph, pinned: Mapping[str, str]) -> dict[Data, Rows]:
    found = {}
    with house.store.read() as conn:
        for each in graph.datasets():
            number = each.number
            if number is None and each.dataset in pinned:
                number = int(pinned[each.dataset].rpartition("@")[2])
            version = datasets.version(conn, each.dataset, number)
            if version is None:
                wanted = each.dataset if number is None else f"{each.dataset}@{number}"
                raise UnknownError(
                    f"pipeline {graph.pipeline} reads {wanted}, of which there is no version",
                    next="argosy get datasets, to see what there is; argosy apply and argosy up take data in",
                )
            arguments = (house.store.home, str(house.store.blobs.root), each.dataset, version.number)
            found[each] = Rows(f"{each.dataset}@{version.number}", version.digest, ROWS, arguments)
    return found


def _last(conn: Connection, run: Run) -> int | None:
    """The run before this one, whose results this one may want again: itself, if it had begun."""
    if runs.touched(conn, run.id):
        return run.id
    before = runs.latest(conn, run.pipeline, before=run.id)
    return before[0].id if before else None


def _default(parameter: Parameter) -> Any:
    return parameter.name if parameter.kind == "dataset" and parameter.default is None else parameter.default


def _shard(run: Run) -> Shard | None:
    given = run.body.get("shard")
    return msgspec.convert(given, Shard) if given else None


def _written(value: Any) -> Any:
    if isinstance(value, Data):
        return value.dataset if value.number is None else f"{value.dataset}@{value.number}"
    return str(value) if isinstance(value, (PurePath, Span)) else msgspec.to_builtins(value)
