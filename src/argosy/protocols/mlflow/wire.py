"""Things of the store as MLflow's JSON has them: what is unset is left out, and what is no number is a text."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection

from argosy.protocols.mlflow.limit import milliseconds
from argosy.store.models import logged
from argosy.store.tracking import experiments, inputs, labels, metrics, texts
from argosy.store.tracking.changes import EXPERIMENT
from argosy.store.tracking.experiments import Experiment
from argosy.store.tracking.runs import Run
from argosy.store.tracking.sought import SPELLING

STATUSES = {theirs: ours for ours, theirs in SPELLING.items()}


class Tag(msgspec.Struct):
    """A key with a value."""

    key: str = ""
    value: str = ""


def number(value: float) -> float | str:
    """A metric's value: JSON has no NaN and no infinities."""
    if math.isfinite(value):
        return value
    return "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"


def pairs(tags: Mapping[str, str]) -> list[Tag]:
    """Tags or parameters."""
    return [Tag(key, value) for key, value in tags.items()]


def filled(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields without those that are None or empty lists."""
    return {name: value for name, value in fields.items() if value is not None and value != []}


def experiment(found: Experiment, tags: Mapping[str, str]) -> dict[str, Any]:
    """An experiment."""
    return filled({
        "experiment_id": str(found.id), "name": found.name, "artifact_location": found.location,
        "lifecycle_stage": "active" if found.deleted_at is None else "deleted",
        "creation_time": milliseconds(found.at), "last_update_time": milliseconds(found.updated_at),
        "tags": pairs(tags),
    })  # fmt: skip


def all_experiments(conn: Connection, found: Sequence[Experiment]) -> list[dict[str, Any]]:
    """Experiments with their tags."""
    tags = labels.of(conn, EXPERIMENT, [str(each.id) for each in found])
    return [experiment(each, tags.get(str(each.id), {})) for each in found]


def info(found: Run, location: str) -> dict[str, Any]:
    """A run; its artifacts lie below the experiment's `location`."""
    return filled({
        "run_uuid": found.run, "run_id": found.run, "run_name": found.name, "experiment_id": str(found.experiment_id),
        "user_id": found.owner, "status": SPELLING[found.status], "start_time": milliseconds(found.started_at),
        "end_time": None if found.ended_at is None else milliseconds(found.ended_at),
        "artifact_uri": artifact_root(location, found.run),
        "lifecycle_stage": "active" if found.deleted_at is None else "deleted",
    })  # fmt: skip


def artifact_root(location: str, run: str) -> str:
    """Where a run's artifacts lie."""
    return f"{location.rstrip('/')}/{run}/artifacts"


def all_runs(conn: Connection, found: Sequence[Run], *, inward: bool = False) -> list[dict[str, Any]]:
    """Runs with their metrics, parameters, tags, inputs and outputs; a constant number of queries."""
    ids = [each.id for each in found]
    last, parameters, tags = metrics.last(conn, ids), texts.of(conn, "parameter", ids), texts.of(conn, "tag", ids)
    read, flows = inputs.of(conn, ids), logged.flows(conn, ids)
    where = experiments.some(conn, {each.experiment_id for each in found})
    made = []
    for each in found:
        values = [
            {"key": key, "value": number(point.value), "timestamp": point.at, "step": point.step}
            for key, point in last.get(each.id, {}).items()
        ]
        data = {"metrics": values, "params": pairs(parameters.get(each.id, {})), "tags": pairs(tags.get(each.id, {}))}
        given = [
            filled({"tags": pairs(each.tags), "dataset": filled(each.dataset._asdict())})
            for each in read.get(each.id, [])
        ]
        flow = flows.get(each.id, [])
        models = [{"model_id": model} for direction, model, _ in flow if direction == logged.IN and inward]
        outputs = [
            filled({"model_id": model, "step": step}) for direction, model, step in flow if direction == logged.OUT
        ]
        made.append({
            "info": info(each, where[each.experiment_id].location), "data": filled(data),
            "inputs": filled({"dataset_inputs": given, "model_inputs": models}),
            "outputs": filled({"model_outputs": outputs}),
        })  # fmt: skip
    return made
