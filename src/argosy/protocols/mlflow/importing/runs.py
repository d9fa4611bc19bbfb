"""Runs: each whole in one transaction with all its metrics, then its artifacts, then as an execution."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from sqlalchemy import Connection

from argosy.errors import ConflictError, UsageError
from argosy.protocols.mlflow import limit, wire
from argosy.protocols.mlflow.importing import files, source
from argosy.protocols.mlflow.importing.passage import Passage, moment
from argosy.protocols.mlflow.importing.report import POINT, RUN
from argosy.protocols.mlflow.importing.source import Broken
from argosy.store.tracking import arrivals, ended, experiments, imported, metrics, naming, runs, texts
from argosy.store.tracking.arrivals import Arrival
from argosy.store.tracking.experiments import Experiment
from argosy.store.tracking.imported import Import
from argosy.store.tracking.metrics import Last, Point
from argosy.store.tracking.runs import Run

_BLOCK = 25_000


def bring(
    passage: Passage, there: source.Experiment, here: Experiment | None, page: Sequence[source.Run | Broken]
) -> None:
    """Bring a page of runs of an experiment, several at once, and look at them again once they are here."""
    found = {each.run: each for each in passage.sound(RUN, page)}
    with passage.store.read() as conn:
        known, marks = runs.named(conn, found), imported.of(conn, found)
    if here is None or passage.dry:
        passage.report.add(RUN, there=len(known))
        return
    work = _Work(passage, there, here)
    passage.each(RUN, [(each.run, partial(work.do, each, known, marks)) for each in found.values()])
    _verify(passage, work.brought, found)


class _Work:
    """The runs of a page; `brought` are those that came, with the points that were read for each."""

    def __init__(self, passage: Passage, there: source.Experiment, here: Experiment) -> None:
        self._passage, self._there, self._here = passage, there, here
        self.brought: dict[str, int] = {}

    def do(self, given: source.Run, known: Mapping[str, Run], marks: Mapping[str, Import]) -> None:
        """Bring one, or what is missing of it. Raises ConflictError where it is here and another."""
        passage, mark = self._passage, marks.get(given.run)
        run = known.get(given.run)
        if run is None:
            run = self._write(given)
            mark = None
        else:
            _compare(run, given, mark)
            passage.report.add(RUN, there=1)
        if mark is not None and mark.whole:
            return
        whole, came = False, 0
        if passage.artifacts:
            root = wire.artifact_root(self._location(run), run.run)
            beside = (self._there.id, run.run, "artifacts")
            whole, came = files.bring(passage, run.run, given.location, root, beside)
        passage.write(lambda tx: self._finish(tx, run, whole=whole, more=came > 0))

    def _location(self, run: Run) -> str:
        if run.experiment_id == self._here.id:
            return self._here.location
        with self._passage.store.read() as conn:
            return experiments.get(conn, run.experiment_id).location

    def _write(self, given: source.Run) -> Run:
        passage, here = self._passage, self._here
        _check(given)
        flows = passage.source.flows(self._there, given)
        blocks, points = self._blocks(given)
        gone = here.deleted_at or (passage.now() if given.deleted else None)
        run = Run(
            0, given.run, here.id, given.name, given.owner, given.status, moment(given.started_at),
            None if given.ended_at is None else moment(given.ended_at), gone,
        )  # fmt: skip
        arrival = Arrival(
            run, given.parameters, given.tags, blocks, flows.inputs, flows.read, flows.made, given.content,
            passage.source.name,
        )  # fmt: skip
        made = passage.write(lambda tx: arrivals.write(tx, arrival, passage.hand))
        self.brought[given.run] = points
        passage.report.add(RUN, brought=1)
        passage.report.add(POINT, found=points)
        return made

    def _blocks(self, given: source.Run) -> tuple[list[bytes], int]:
        """All points of its metrics, packed as they come: a page at a time is there as it was read."""
        blocks: list[bytes] = []
        held: list[Point] = []
        count = 0
        for key in given.last:
            for page in self._passage.source.points(self._there, given, key):
                held += page
                count += len(page)
                if len(held) >= _BLOCK:
                    blocks.append(metrics.pack(held))
                    held = []
        return ([*blocks, metrics.pack(held)] if held else blocks), count

    def _finish(self, tx: Connection, run: Run, *, whole: bool, more: bool) -> None:
        """It is the execution that it was, once more where artifacts came to it; and it is noted where it is whole."""
        hand = self._passage.hand
        if run.status in ended.STATUSES and (more or runs.execution(tx, run.id) is None):
            ended.record(tx, run, hand)
        if whole:
            imported.complete(tx, run.run, hand)


def _check(given: source.Run) -> None:
    """Raises Fault or UsageError for a name that no run may have."""
    limit.named(given.run)
    if naming.is_own(given.run):
        raise UsageError(f"run {given.run} tells of what an Argosy did itself", next="its home is where it belongs")


def _compare(run: Run, given: source.Run, mark: Import | None) -> None:
    if mark is None:
        raise ConflictError(
            f"a run of this id is here, {run.name!r}, and it was not imported: nothing of it is overwritten",
            next="see which of them is right",
        )
    if mark.content != given.content:
        raise ConflictError(
            "it was imported, and has changed there since: what is here stays as it was", next="see what changed there"
        )


def _verify(passage: Passage, brought: Mapping[str, int], given: Mapping[str, source.Run]) -> None:
    """Read back what came, a constant number of queries, and tell of what is not as it is there."""
    with passage.store.read() as conn:
        found = runs.named(conn, brought)
        ids = [each.id for each in found.values()]
        last, points = metrics.last(conn, ids), metrics.counted(conn, ids)
        parameters, tags = texts.of(conn, texts.PARAMETER, ids), texts.of(conn, texts.TAG, ids)
    good = 0
    for name, count in brought.items():
        run, there = found.get(name), given[name]
        if run is None:
            passage.report.fail(RUN, name, "it was written, and is not here")
            continue
        held = _seen(run, there, parameters.get(run.id, {}), tags.get(run.id, {}), last.get(run.id, {}))
        if held.content != there.content or points.get(run.id, 0) != count:
            passage.report.fail(RUN, name, f"it is not here as it is there: {_difference(held, there)}")
        good += points.get(run.id, 0)
    passage.report.add(POINT, brought=good)


def _seen(
    run: Run, there: source.Run, parameters: Mapping[str, str], tags: Mapping[str, str], last: Mapping[str, Last]
) -> source.Run:
    """A run of this home as a source would tell of it."""
    stopped = run.ended_at
    return there._replace(
        name=run.name, owner=run.owner, status=run.status, started_at=limit.milliseconds(run.started_at),
        ended_at=None if stopped is None else limit.milliseconds(stopped), parameters=parameters, tags=tags, last=last,
    )  # fmt: skip


def _difference(held: source.Run, there: source.Run) -> str:
    for name, one, other in zip(source.Run._fields, held, there, strict=True):
        if one != other and name not in ("tags", "last"):
            return name
    for what, some, others in (("metric", held.last, there.last), ("tag", held.tags, there.tags)):
        for key, value in others.items():
            if some.get(key) != value and repr(some.get(key)) != repr(value):
                return f"{what} {key[:200]!r}"
    return "points of its metrics" if held.content == there.content else "its tags"
