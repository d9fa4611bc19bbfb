"""What Argosy did in small worlds, and what the runs tell of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection

from argosy.store import Store, artifacts, bundles, calls, executions, runs
from argosy.store.rows import execute
from argosy.store.tracking import absorb, experiments, inputs, metrics, texts
from argosy.store.tracking import runs as tracked
from argosy.store.tracking.place import SCHEME
from argosy.testing.sample import digest, moment

NOW = moment(100)


class Told(NamedTuple):
    """All that is told of a run."""

    experiment: str
    run: tracked.Run
    metrics: Mapping[str, float]
    parameters: Mapping[str, str]
    tags: Mapping[str, str]
    inputs: list[str]
    files: list[str]


def look(store: Store, now: datetime = NOW) -> int:
    """Have all be absorbed; in how many steps."""
    steps = 0
    while absorb.behind(store):
        with store.write() as tx:
            more = absorb.absorb(tx, now)
        steps += 1
        if not more:
            break
    return steps


def told(store: Store, name: str) -> Told:
    """What is told of the run of a name."""
    with store.read() as conn:
        run = tracked.get(conn, name)
        home = experiments.get(conn, run.experiment_id)
        last = metrics.last(conn, [run.id]).get(run.id, {})
        root = f"{home.location.removeprefix(SCHEME)}/{run.run}/artifacts/"
        paths = execute(conn, "SELECT path FROM file ORDER BY path").fetchall()
        return Told(
            home.name, run, {key: each.value for key, each in last.items()},
            texts.of(conn, texts.PARAMETER, [run.id]).get(run.id, {}),
            texts.of(conn, texts.TAG, [run.id]).get(run.id, {}),
            [f"{each.dataset.name}@{each.dataset.digest}" for each in inputs.of(conn, [run.id]).get(run.id, [])],
            [path.removeprefix(root) for (path,) in paths if path.startswith(root)],
        )  # fmt: skip


def names(store: Store) -> list[str]:
    """The runs that there are, in order of their names."""
    with store.read() as conn:
        return [run for (run,) in execute(conn, "SELECT run FROM tracked ORDER BY run")]


def bundle(store: Store) -> str:
    """Some code that ann brought in."""
    made = bundles.Bundle(
        digest=digest("code"), project="flights", at=moment(), libraries={}, modules={}, actor="ann"
    )  # fmt: skip
    with store.write() as tx:
        bundles.add(tx, made)
    return made.digest


def begin(store: Store, pipeline: str = "nightly", **given: Any) -> runs.Run:
    """A run of a pipeline, begun by bob an hour into 2013."""
    new = runs.NewRun(
        pipeline=pipeline, key="k", at=moment(1), actor="bob", cause="by hand", parameters={"depth": 6, "to": None},
        inputs={"flights": "flights@3"}, **given,
    )  # fmt: skip
    with store.write() as tx:
        return runs.begin(tx, new)


def end(store: Store, run: runs.Run, outcome: str, reason: str = "", hours: float = 2) -> None:
    """Have a run end."""
    body = {"counts": {"executed": 2, "failed": 1}}
    made = runs.NewEnding(run_id=run.id, at=moment(hours), outcome=outcome, actor="bob", reason=reason, body=body)
    with store.write() as tx:
        runs.end(tx, [made])


def step(
    tx: Connection, run: runs.Run, node: str, element: int = calls.WHOLE, outputs: Any = (), **given: Any
) -> int:  # fmt: skip
    """An execution of a step for a run, and its call."""
    kept = [digest for output in outputs for digest in _digests(output)]
    artifacts.add(tx, [artifacts.Artifact(digest=each, kind="value", bytes=1, at=moment(1)) for each in kept])
    parameters = {"arguments": {"n": {"value": 6}, "rows": {"content": "dataset:c8cf"}}, "outputs": outputs, "bytes": 3}
    made = executions.NewExecution(
        key=f"key of {node}", kind="step", subject=f"{run.pipeline}/{node}", started_at=moment(1),
        ended_at=moment(1) + timedelta(seconds=2), parameters=parameters, cpu_s=1.5, wall_s=2.0, **given,
    )  # fmt: skip
    (id,) = executions.record(tx, [made])
    again(tx, run, node, id, element)
    return id


def again(tx: Connection, run: runs.Run, node: str, execution: int, element: int = calls.WHOLE) -> None:
    """That a run used an execution."""
    call = calls.NewCall(
        run_id=run.id, node=node, element=element, state=calls.EXECUTED, at=moment(1), execution_id=execution
    )  # fmt: skip
    calls.add(tx, [call])


def _digests(output: Any) -> list[str]:
    return [leaf for each in output["items"] for leaf in _digests(each)] if isinstance(output, dict) else [output[1]]
