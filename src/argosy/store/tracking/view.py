"""Runs as people look at them: with their experiments, and the metrics, parameters and tags that are asked for."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from sqlalchemy import Connection

from argosy.store.tracking import experiments, metrics, runs, texts
from argosy.store.tracking.experiments import Experiment
from argosy.store.tracking.metrics import Last
from argosy.store.tracking.runs import Run

ATTRIBUTE, METRIC, PARAMETER, TAG = "attribute", "metric", "parameter", "tag"
PREFIXES = {METRIC: "metrics.", PARAMETER: "params.", TAG: "tags.", ATTRIBUTE: ""}


class Field(NamedTuple):
    """Something that a run has: an attribute, or a metric, parameter or tag by its key."""

    entity: str
    key: str

    @property
    def title(self) -> str:
        """How searches write it, without quotes."""
        return f"{PREFIXES[self.entity]}{self.key}"


class Seen(NamedTuple):
    """A run with as much of it as was asked for."""

    run: Run
    experiment: Experiment
    metrics: dict[str, Last]
    parameters: dict[str, str]
    tags: dict[str, str]

    def value(self, field: Field) -> float | str | None:
        """What the run has of a field; None for nothing."""
        if field.entity == METRIC:
            last = self.metrics.get(field.key)
            return None if last is None else last.value
        if field.entity == ATTRIBUTE:
            return self._attribute(field.key)
        return (self.parameters if field.entity == PARAMETER else self.tags).get(field.key)

    def _attribute(self, key: str) -> str | None:
        if key == "artifact_uri":
            return f"{self.experiment.location}/{self.run.run}/artifacts"
        return {"run_id": self.run.run, "run_name": self.run.name, "user_id": self.run.owner}.get(key)


def of(conn: Connection, ids: Sequence[int], fields: Collection[Field] | None = None) -> list[Seen]:
    """The runs of some ids, in their order: with some fields, or with all; a constant number of queries."""
    found = runs.some(conn, ids)
    known = experiments.some(conn, {run.experiment_id for run in found.values()})
    last = metrics.last(conn, ids, _keys(fields, METRIC))
    parameters = texts.of(conn, texts.PARAMETER, ids, _keys(fields, PARAMETER))
    tags = texts.of(conn, texts.TAG, ids, _keys(fields, TAG))
    return [
        Seen(
            found[id], known[found[id].experiment_id], last.get(id, {}), parameters.get(id, {}), tags.get(id, {})
        )
        for id in ids
        if id in found
    ]  # fmt: skip


def _keys(fields: Collection[Field] | None, entity: str) -> list[str] | None:
    return None if fields is None else [each.key for each in fields if each.entity == entity]
