"""Sources: another MLflow as it is read, a page at a time; and what it holds, in words that no server differs in."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol

import msgspec

from argosy.errors import InputError
from argosy.store.tracking.inputs import Input
from argosy.store.tracking.metrics import Last, Point
from argosy.store.tracking.runs import NAME_TAG

SERVED = "mlflow-artifacts"
"""The scheme of artifacts that a server hands out itself."""


class ElsewhereError(InputError):
    """Artifacts lie where this source does not reach: in an object store, or on another machine."""


class Broken(NamedTuple):
    """Something that cannot be read, and why."""

    name: str
    reason: str


class Experiment(NamedTuple):
    """An experiment; times are milliseconds since 1970 here and below."""

    id: str
    name: str
    location: str
    at: int
    updated_at: int
    deleted: bool
    tags: Mapping[str, str]


class Run(NamedTuple):
    """A run with the last values of its metrics; its status is in Argosy's words, its artifacts lie at `location`."""

    run: str
    name: str
    owner: str
    status: str
    started_at: int
    ended_at: int | None
    deleted: bool
    location: str
    parameters: Mapping[str, str]
    tags: Mapping[str, str]
    last: Mapping[str, Last]

    @property
    def content(self) -> str:
        """The hash of what it is; of metrics it takes the last values."""
        tags = sorted((key, value) for key, value in self.tags.items() if key != NAME_TAG)
        last = sorted((key, repr(each.value + 0.0), each.step, each.at) for key, each in self.last.items())
        given = (self.name, self.owner, self.status, self.started_at, self.ended_at, sorted(self.parameters.items()))
        return hashlib.sha256(msgspec.json.encode((*given, tags, last))).hexdigest()


class Flows(NamedTuple):
    """What a run read and made: datasets, and logged models, each with a step."""

    inputs: Sequence[Input] = ()
    read: Sequence[tuple[str, int]] = ()
    made: Sequence[tuple[str, int]] = ()


class Measured(NamedTuple):
    """A metric of a logged model, by the run that logged it, on a dataset ("" for none)."""

    run: str
    dataset: str
    digest: str
    point: Point


class Logged(NamedTuple):
    """A logged model."""

    model: str
    name: str
    type: str
    status: str
    run: str | None
    at: int
    updated_at: int
    location: str
    parameters: Mapping[str, str]
    tags: Mapping[str, str]
    metrics: Sequence[Measured]

    @property
    def content(self) -> str:
        """The hash of what it is."""
        given = (self.name, self.type, self.status, self.run, self.at, sorted(self.parameters.items()))
        metrics = sorted(
            (each.run, each.dataset, each.digest, each.point.key, repr(each.point.value), each.point.step)
            for each in self.metrics
        )
        return hashlib.sha256(msgspec.json.encode((*given, sorted(self.tags.items()), metrics))).hexdigest()


class Model(NamedTuple):
    """A registered model; `aliases` are the numbers of versions that they point at."""

    name: str
    description: str
    at: int
    updated_at: int
    tags: Mapping[str, str]
    aliases: Mapping[str, int]


class Version(NamedTuple):
    """A version of the registered model `model`; its files lie at `location`."""

    model: str
    number: int
    description: str
    source: str
    location: str
    run: str | None
    logged: str | None
    stage: str
    owner: str
    at: int
    updated_at: int
    tags: Mapping[str, str]


class File(NamedTuple):
    """A file: its path below the place that was listed, its bytes where they are known, and where it is read."""

    path: str
    bytes: int | None
    place: str


class Source(Protocol):
    """Another MLflow. All that is listed comes in pages; what cannot be read is among it as broken.

    Threads may share one. Whatever cannot be answered at all raises ArgosyError.
    """

    @property
    def name(self) -> str:
        """What it is called in histories and messages, without secrets."""

    def experiments(self) -> Iterator[Sequence[Experiment | Broken]]:
        """All experiments, deleted ones too."""

    def runs(self, experiment: Experiment) -> Iterator[Sequence[Run | Broken]]:
        """The runs of an experiment, deleted ones too."""

    def flows(self, experiment: Experiment, run: Run) -> Flows:
        """What a run read and made."""

    def points(self, experiment: Experiment, run: Run, key: str) -> Iterator[Sequence[Point]]:
        """The history of a metric."""

    def logged(self, experiment: Experiment) -> Iterator[Sequence[Logged | Broken]]:
        """The logged models of an experiment."""

    def models(self) -> Iterator[Sequence[Model | Broken]]:
        """The registered models."""

    def versions(self) -> Iterator[Sequence[Version | Broken]]:
        """The versions of all registered models, the lower numbers of a model before the higher ones."""

    def files(self, location: str, beside: Sequence[str]) -> Iterator[File]:
        """The files that lie at a location. Raises ElsewhereError where it does not reach there.

        `beside` is how a folder of old clients calls the place: the names of its folders down from the root.
        """

    def read(self, file: File) -> Iterator[bytes]:
        """The bytes of a file; what breaks off raises."""

    def stop(self) -> None:
        """Whatever still waits for an answer gives up."""

    def close(self) -> None:
        """Give back what it holds, once no thread asks any more."""
