"""A client's run that ends is an execution: with its parameters and last metrics, what it read, and what it made."""

from __future__ import annotations

import math
from collections.abc import Sequence

from sqlalchemy import Connection

from argosy.store import edges, executions
from argosy.store.edges import IN, OUT, Edge
from argosy.store.models import logged
from argosy.store.rows import execute, within
from argosy.store.tracking import experiments, inputs, metrics, place, texts
from argosy.store.tracking.changes import Hand
from argosy.store.tracking.executed import TRACKED
from argosy.store.tracking.experiments import Experiment
from argosy.store.tracking.runs import CANCELLED, FAILED, SUCCEEDED, Run

STATUSES = frozenset({SUCCEEDED, FAILED, CANCELLED})
RUN, EXTERNAL, MODEL = "run", "external dataset", "logged model"
"""Kinds of what an execution read or made: the run itself, a dataset that is none of Argosy's, a logged model."""


def record(tx: Connection, run: Run, hand: Hand) -> int:
    """Record the execution that a run of one of `STATUSES` is; returns its id. A constant number of statements.

    A run that ends again is another execution, and refers to the last.
    """
    home, at = experiments.get(tx, run.experiment_id), run.ended_at or hand.at
    values = {key: each.value for key, each in metrics.last(tx, [run.id]).get(run.id, {}).items()}
    made = executions.NewExecution(
        key=run.run, kind=TRACKED, subject=f"{home.name}/{run.name}", started_at=run.started_at, ended_at=at,
        outcome=run.status, wall_s=max(0.0, (at - run.started_at).total_seconds()),
        parameters=texts.of(tx, texts.PARAMETER, [run.id]).get(run.id, {}),
        metrics={key: value for key, value in values.items() if math.isfinite(value)},
    )  # fmt: skip
    (id,) = executions.record(tx, [made])
    flows = [*_read(tx, run), (OUT, RUN, run.run), *_models(tx, run), *_files(tx, run, home)]
    edges.add(tx, [Edge(execution_id=id, direction=d, kind=kind, reference=name) for d, kind, name in flows])
    execute(tx, "UPDATE tracked SET execution_id = ? WHERE id = ?", (id, run.id))
    return id


def forget(tx: Connection, runs: Sequence[str]) -> None:
    """Leave of the executions that purged runs were, by name, that they were: no values, and no artifacts."""
    clause, bound = within(tx, "key", runs)
    mine = f"SELECT id FROM execution WHERE kind = '{TRACKED}' AND {clause}"
    execute(tx, f"DELETE FROM edge WHERE execution_id IN ({mine})", (bound,))
    sql = "UPDATE execution SET subject = key, parameters = '{}', metrics = '{}' "
    execute(tx, f"{sql} WHERE id IN ({mine})", (bound,))


_Flow = tuple[str, str, str]


def _read(tx: Connection, run: Run) -> list[_Flow]:
    """The datasets: a version of ours by its name and number, any other so that it is never taken for one."""
    given = [each.dataset for each in inputs.of(tx, [run.id]).get(run.id, ())]
    if not given:
        return []
    clause, bound = within(tx, "dataset", {each.name for each in given if each.digest.isdecimal()})
    found = execute(tx, f"SELECT dataset, number FROM dataset_version WHERE {clause}", (bound,))
    ours = {(name, str(number)) for name, number in found}
    return [
        (IN, "dataset" if (each.name, each.digest) in ours else EXTERNAL, f"{each.name}@{each.digest}")
        for each in given
    ]


def _models(tx: Connection, run: Run) -> list[_Flow]:
    flows = logged.flows(tx, [run.id]).get(run.id, ())
    source = execute(tx, "SELECT model FROM logged WHERE run = ?", (run.run,)).fetchall()
    made = {model for (model,) in source} | {model for direction, model, _ in flows if direction == logged.OUT}
    read = {model for direction, model, _ in flows if direction == logged.IN} - made
    return [*((IN, MODEL, model) for model in sorted(read)), *((OUT, MODEL, model) for model in sorted(made))]


def _files(tx: Connection, run: Run, home: Experiment) -> Sequence[_Flow]:
    """The artifacts that lie beside the run; none where its experiment keeps them elsewhere."""
    root = place.root(home.location, run.run)
    if root is None:
        return ()
    sql = "SELECT DISTINCT digest FROM file WHERE path > ? AND path < ?"
    return [(OUT, "artifact", digest) for (digest,) in execute(tx, sql, (f"{root}/", f"{root}0"))]
