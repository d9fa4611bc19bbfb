"""What runs read and made: datasets as clients describe them, and logged models."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Connection

from argosy.protocols.mlflow import limit
from argosy.protocols.mlflow.endpoint import Endpoint, OfRun, Request
from argosy.protocols.mlflow.experiments import number
from argosy.protocols.mlflow.fault import INVALID, Fault, missing
from argosy.protocols.mlflow.wire import Tag
from argosy.store.models import logged
from argosy.store.tracking import inputs, runs
from argosy.store.tracking.changes import Hand
from argosy.store.tracking.inputs import Input, Source

_MOST = 1000
_NAME, _DIGEST, _SOURCE, _SCHEMA, _PROFILE, _TAG_KEY, _TAG = 500, 36, 65_535, 1_048_575, 16_777_215, 255, 500


class Dataset(msgspec.Struct):
    """A dataset."""

    name: str | None = None
    digest: str | None = None
    source_type: str | None = None
    source: str | None = None
    schema: str | None = None
    profile: str | None = None


class DatasetInput(msgspec.Struct):
    """A dataset that is read, and what for."""

    dataset: Dataset | None = None
    tags: list[Tag] | None = None


class Model(msgspec.Struct):
    """A logged model, at a step where it is made."""

    model_id: str | None = None
    step: int | None = None


class LogInputs(OfRun, kw_only=True):
    """runs/log-inputs."""

    datasets: list[DatasetInput] | None = None
    models: list[Model] | None = None


class LogOutputs(OfRun, kw_only=True):
    """runs/outputs."""

    models: list[Model] | None = None


class OfExperiments(Request, kw_only=True):
    """experiments/search-datasets."""

    experiment_ids: list[str] | None = None


def log_inputs(tx: Connection, hand: Hand, request: LogInputs) -> None:
    """Datasets and models that a run reads."""
    limit.named(request.run)
    given = request.datasets or []
    if len(given) > _MOST:
        raise Fault(INVALID, f"A request can contain at most {_MOST} datasets. Got {len(given)} datasets.")
    found = runs.writable(tx, request.run)
    inputs.log(tx, found.id, found.experiment_id, [_input(each, f"datasets[{n}]") for n, each in enumerate(given)])
    logged.flow(tx, found.id, logged.IN, _models(request.models))


def log_outputs(tx: Connection, hand: Hand, request: LogOutputs) -> None:
    """Models that a run made."""
    found = runs.writable(tx, request.run)
    logged.flow(tx, found.id, logged.OUT, _models(request.models))


def datasets(conn: Connection, request: OfExperiments) -> dict[str, Any]:
    """The datasets that runs of some experiments read."""
    found = inputs.known(conn, [number(id) for id in request.experiment_ids or ()])
    return {
        "dataset_summaries": [
            {"experiment_id": str(id), "name": name, "digest": digest, **({"context": context} if context else {})}
            for id, name, digest, context in found
        ]
    }


def _input(given: DatasetInput, path: str) -> Input:
    found = given.dataset
    if found is None:
        raise missing(f"{path}.dataset")
    for name in ("name", "digest", "source_type", "source"):
        if not getattr(found, name):
            raise missing(f"{path}.dataset.{name}")
    text = limit.length
    source = Source(
        text(found.name or "", _NAME, f"{path}.dataset.name"),
        text(found.digest or "", _DIGEST, f"{path}.dataset.digest"),
        text(found.source_type or "", limit.KEY, f"{path}.dataset.source_type"),
        text(found.source or "", _SOURCE, f"{path}.dataset.source"),
        text(found.schema or "", _SCHEMA, f"{path}.dataset.schema") or None,
        text(found.profile or "", _PROFILE, f"{path}.dataset.profile") or None,
    )  # fmt: skip
    tags = {
        text(each.key, _TAG_KEY, f"{path}.tags.key"): text(each.value, _TAG, f"{path}.tags.value")
        for each in given.tags or ()
    }
    return Input(source, tags)


def _models(given: list[Model] | None) -> list[tuple[str, int]]:
    if any(not each.model_id for each in given or ()):
        raise missing("models.model_id")
    return [
        (limit.length(each.model_id or "", limit.KEY, "model_id"), limit.whole(each.step or 0, "step"))
        for each in given or ()
    ]


ENDPOINTS = [
    Endpoint("POST", "runs/log-inputs", LogInputs, log_inputs, needs=("run_id",), writes=True),
    Endpoint("POST", "runs/outputs", LogOutputs, log_outputs, needs=("run_id", "models"), writes=True),
    Endpoint("POST", "experiments/search-datasets", OfExperiments, datasets),
]
