"""Running pipelines on a store, as whoever drives them does."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from argosy.engine.local import Local
from argosy.pipelines import begin, format
from argosy.pipelines.claiming import Shard
from argosy.pipelines.drive import Drive
from argosy.pipelines.piece import Held, Many, Piece
from argosy.pipelines.runner import Runner
from argosy.pipelines.slots import Slots
from argosy.spec.pipeline import Pipeline
from argosy.store import Store, calls, runs


def now() -> datetime:
    return datetime.now(UTC)


class Place:
    """A store and an engine to run on; `clock` may be moved."""

    def __init__(self, store: Store, engine: Local) -> None:
        self.store = store
        self.engine = engine
        self.clock = now

    def begin(
        self, pipeline: Pipeline, variables: Mapping[str, str] | None = None, shard: Shard | None = None, **given: Any
    ) -> Runner:
        """A runner for a run of a pipeline."""
        made = begin.prepare(pipeline.trace(given), {}, variables or {})
        asked = begin.Request(pipeline=pipeline.name, parameters=given, bundle=None, cause="asked for", actor="ann",
                                shard=shard)  # fmt: skip
        with self.store.write() as tx:
            before = runs.latest(tx, pipeline.name)
            run = begin.begin(tx, asked, made, self.clock())
        slots = Slots(self.store, "ann", self.clock)
        last = before[0].id if before else None
        return Runner(
            self.store, run, made, write=self.store.write, clock=self.clock, slots=slots, last=last, shard=shard
        )

    def drive(self, *runners: Runner) -> None:
        """Bring runs to their ends."""
        with self.engine.session(logs=True) as session:
            slots = Slots(self.store, "ann", self.clock)
            for runner, _ in Drive(session, slots, self.store.blobs).run(runners):
                outcome = runs.FAILED if runner.failures else runs.SUCCEEDED
                ending = runs.NewEnding(run_id=runner.run.id, at=self.clock(), outcome=outcome, actor="ann")
                with self.store.write() as tx:
                    runs.end(tx, [ending])

    def run(self, pipeline: Pipeline, variables: Mapping[str, str] | None = None, **given: Any) -> Runner:
        """A run from its beginning to its end."""
        runner = self.begin(pipeline, variables, **given)
        self.drive(runner)
        return runner

    def results(self, runner: Runner) -> list[Any]:
        """The values that the pipeline gave."""
        return [self.value(piece) for piece in runner.results().values()]

    def value(self, piece: Piece | None) -> Any:
        if isinstance(piece, Many):
            return [self.value(each) for each in piece.items]
        if not isinstance(piece, Held):
            return piece
        source = format.Source(piece.slot, self.store.blobs, self.store.blobs.root, piece.data)
        return format.named(piece.format).load(source, Any)

    def states(self, runner: Runner) -> dict[str, str]:
        """What came of each call."""
        with self.store.read() as conn:
            return {
                call.node if call.element == calls.WHOLE else f"{call.node}[{call.element}]": call.state
                for call in calls.of(conn, runner.run.id)
            }
