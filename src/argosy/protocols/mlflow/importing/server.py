"""A server of MLflow as a source, through its REST API."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

from argosy.errors import InputError, UnknownError
from argosy.protocols.mlflow import artifacts, wire
from argosy.protocols.mlflow.importing.client import Client
from argosy.protocols.mlflow.importing.disk import Disk
from argosy.protocols.mlflow.importing.source import (
    SERVED,
    Broken,
    ElsewhereError,
    Experiment,
    File,
    Flows,
    Logged,
    Measured,
    Model,
    Run,
    Version,
)
from argosy.protocols.mlflow.logged import OURS
from argosy.store.models.search import PROMPT
from argosy.store.tracking.inputs import Input
from argosy.store.tracking.inputs import Source as Data
from argosy.store.tracking.metrics import Last, Point

T = TypeVar("T")
_API = "/api/2.0/mlflow/"
_EXPERIMENTS, _RUNS, _POINTS, _LOGGED, _MODELS, _VERSIONS = 1000, 100, 25_000, 50, 100, 1000
_GONE = "Deleted_Internal"
_PROMPTS = ("", f"tags.`{PROMPT}` = 'true'")
"""Searches leave prompts out unless they are asked for."""
_OTHER = re.compile(r"models:/+(?!m-[0-9a-f]{32}$)")


class Server:
    """A server at an address; `disk` holds directories in which its artifacts may lie on this machine."""

    def __init__(self, client: Client, disk: Disk) -> None:
        self._client, self._disk = client, disk

    @property
    def name(self) -> str:
        """Its address."""
        return self._client.uri

    def experiments(self) -> Iterator[Sequence[Experiment | Broken]]:
        """All experiments."""
        asked = {"max_results": _EXPERIMENTS, "view_type": "ALL"}
        for page in self._pages("POST", "experiments/search", asked, "experiments"):
            yield _each(_experiment, page, lambda found: found["name"])

    def runs(self, experiment: Experiment) -> Iterator[Sequence[Run | Broken]]:
        """The runs of an experiment, in the order in which they began: later ones shift none between pages."""
        asked = {
            "experiment_ids": [experiment.id], "run_view_type": "ALL", "max_results": _RUNS,
            "order_by": ["attributes.start_time ASC"],
        }  # fmt: skip
        for page in self._pages("POST", "runs/search", asked, "runs"):
            yield _each(_run, page, lambda found: found["info"]["run_id"])

    def flows(self, experiment: Experiment, run: Run) -> Flows:
        """What a run read and made."""
        found = self._client.json("GET", f"{_API}runs/get", query={"run_id": run.run})["run"]
        given, made = found.get("inputs", {}), found.get("outputs", {})
        return Flows(
            [_input(each) for each in given.get("dataset_inputs", ())],
            [(str(each["model_id"]), 0) for each in given.get("model_inputs", ())],
            [(str(each["model_id"]), int(each.get("step", 0))) for each in made.get("model_outputs", ())],
        )

    def points(self, experiment: Experiment, run: Run, key: str) -> Iterator[Sequence[Point]]:
        """The history of a metric."""
        asked = {"run_id": run.run, "metric_key": key, "max_results": _POINTS}
        for page in self._pages("GET", "metrics/get-history", asked, "metrics"):
            yield [_point(each) for each in page]

    def logged(self, experiment: Experiment) -> Iterator[Sequence[Logged | Broken]]:
        """The logged models of an experiment; servers before 3 have none."""
        asked = {"experiment_ids": [experiment.id], "max_results": _LOGGED}
        with suppress(UnknownError):
            for page in self._pages("POST", "logged-models/search", asked, "models"):
                yield _each(_logged, page, lambda found: found["info"]["model_id"])

    def models(self) -> Iterator[Sequence[Model | Broken]]:
        """The registered models, then the prompts."""
        for filter in _PROMPTS:
            asked = {"max_results": _MODELS, "order_by": ["name ASC"], **({"filter": filter} if filter else {})}
            for page in self._pages("GET", "registered-models/search", asked, "registered_models"):
                yield _each(_model, page, lambda found: found["name"])

    def versions(self) -> Iterator[Sequence[Version | Broken]]:
        """The versions of all models, then those of the prompts."""
        for filter in _PROMPTS:
            order = {"order_by": ["name ASC", "version_number ASC"]}
            asked = {"max_results": _VERSIONS, **order, **({"filter": filter} if filter else {})}
            for page in self._pages("GET", "model-versions/search", asked, "model_versions"):
                kept = [each for each in page if each.get("current_stage") != _GONE]
                yield _each(self._version, kept, lambda found: f"{found['name']}/{found['version']}")

    def files(self, location: str, beside: Sequence[str]) -> Iterator[File]:
        """The files that its proxy hands out, or that lie in a directory that was named."""
        path = self._served(location)
        if path is not None:
            yield from self._below(path, "")
            return
        folder = self._disk.folder(location)
        if folder is None:
            raise ElsewhereError(f"artifacts lie at {location[:300]}", next="they stay there")
        yield from self._disk.files(folder)

    def read(self, file: File) -> Iterator[bytes]:
        """The bytes of a file."""
        if not file.place.startswith(artifacts.ROOT):
            yield from self._disk.read(file)
            return
        yield from self._client.stream(file.place)

    def stop(self) -> None:
        """Ask no more."""
        self._client.stop()

    def close(self) -> None:
        """Close its connections."""
        self._client.close()

    def _served(self, location: str) -> str | None:
        """The path under which the proxy hands out a location; None where it lies elsewhere."""
        parts = urlsplit(location)
        if parts.scheme == SERVED:
            if parts.netloc and parts.netloc != urlsplit(self._client.uri).netloc:
                raise ElsewhereError(f"{location[:300]} is kept by another server", next="import from that one")
            return parts.path.strip("/")
        own = f"{self._client.uri}{artifacts.ROOT}/"
        return location.removeprefix(own).strip("/") if location.startswith(own) else None

    def _below(self, root: str, folder: str) -> Iterator[File]:
        path = f"{root}/{folder}" if folder else root
        try:
            found = self._client.json("GET", artifacts.ROOT, query={"path": path})
        except UnknownError:
            return  # nothing was ever put there
        for each in found.get("files", ()):
            name = str(each["path"]).rstrip("/").rpartition("/")[2]
            below = f"{folder}/{name}" if folder else name
            if each.get("is_dir"):
                yield from self._below(root, below)
            else:
                size = each.get("file_size")
                yield File(below, None if size is None else int(size), f"{artifacts.ROOT}/{quote(f'{root}/{below}')}")

    def _version(self, found: Mapping[str, Any]) -> Version:
        source = str(found.get("source", ""))
        location = source
        if _OTHER.match(source):  # that of the version which it is a copy of
            asked = {"name": found["name"], "version": found["version"]}
            location = str(
                self._client.json("GET", f"{_API}model-versions/get-download-uri", query=asked)["artifact_uri"]
            )
        return Version(
            found["name"], int(found["version"]), found.get("description", ""), source, location,
            found.get("run_id") or None, found.get("model_id") or None, found.get("current_stage", "None"),
            found.get("user_id", ""), int(found.get("creation_timestamp", 0)),
            int(found.get("last_updated_timestamp", 0)), _pairs(found.get("tags")),
        )  # fmt: skip

    def _pages(self, method: str, path: str, asked: Mapping[str, Any], name: str) -> Iterator[Sequence[Any]]:
        """The pages of a list, each as it is asked for."""
        token = ""
        while True:
            given = {**asked, **({"page_token": token} if token else {})}
            both = {"body": given} if method == "POST" else {"query": given}
            found = self._client.json(method, _API + path, **both)
            yield found.get(name, ())
            before, token = token, str(found.get("next_page_token", ""))
            if not token:
                return
            if token == before:
                raise InputError(
                    f"{self.name} gives the same page of {path} again and again", next="update that server"
                )


def _each(
    made: Callable[[Mapping[str, Any]], T], page: Sequence[Any], name: Callable[[Any], Any]
) -> list[T | Broken]:  # fmt: skip
    """What each of a page is, or that it cannot be read."""
    done: list[T | Broken] = []
    for each in page:
        try:
            done.append(made(each))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            done.append(
                Broken(_named(each, name), f"the source tells of it in a way that is not understood: {error!r}")
            )
    return done


def _named(found: Any, name: Callable[[Any], Any]) -> str:
    try:
        return str(name(found))
    except (KeyError, TypeError):
        return "?"


def _pairs(found: Sequence[Mapping[str, Any]] | None) -> dict[str, str]:
    return {str(each["key"]): str(each.get("value", "")) for each in found or ()}


def _experiment(found: Mapping[str, Any]) -> Experiment:
    return Experiment(
        str(found["experiment_id"]), found["name"], found.get("artifact_location", ""),
        int(found.get("creation_time", 0)), int(found.get("last_update_time", 0)),
        found.get("lifecycle_stage") == "deleted", _pairs(found.get("tags")),
    )  # fmt: skip


def _run(found: Mapping[str, Any]) -> Run:
    info, data = found["info"], found.get("data", {})
    tags = _pairs(data.get("tags"))
    ended = int(info.get("end_time") or 0)
    return Run(
        info.get("run_id") or info["run_uuid"], info.get("run_name") or tags.get("mlflow.runName", ""),
        info.get("user_id", ""), wire.STATUSES[info.get("status", "RUNNING")], int(info.get("start_time", 0)),
        ended or None, info.get("lifecycle_stage") == "deleted", info.get("artifact_uri", ""),
        _pairs(data.get("params")), tags,
        {point.key: Last(point.value, point.step, point.at) for point in map(_point, data.get("metrics", ()))},
    )  # fmt: skip


def _point(found: Mapping[str, Any]) -> Point:
    return Point(str(found["key"]), float(found["value"]), int(found.get("step", 0)), int(found.get("timestamp", 0)))


def _input(found: Mapping[str, Any]) -> Input:
    data = found["dataset"]
    source = Data(
        data["name"], data["digest"], data.get("source_type", ""), data.get("source", ""), data.get("schema"),
        data.get("profile"),
    )  # fmt: skip
    return Input(source, _pairs(found.get("tags")))


def _logged(found: Mapping[str, Any]) -> Logged:
    info, data = found["info"], found.get("data", {})
    return Logged(
        info["model_id"], info.get("name", ""), info.get("model_type", ""),
        OURS[info.get("status", "LOGGED_MODEL_STATUS_UNSPECIFIED")], info.get("source_run_id") or None,
        int(info.get("creation_timestamp_ms", 0)), int(info.get("last_updated_timestamp_ms", 0)),
        info.get("artifact_uri", ""), _pairs(data.get("params")), _pairs(info.get("tags")),
        [
            Measured(each.get("run_id", ""), each.get("dataset_name", ""), each.get("dataset_digest", ""), _point(each))
            for each in data.get("metrics", ())
        ],
    )  # fmt: skip


def _model(found: Mapping[str, Any]) -> Model:
    return Model(
        found["name"], found.get("description", ""), int(found.get("creation_timestamp", 0)),
        int(found.get("last_updated_timestamp", 0)), _pairs(found.get("tags")),
        {str(each["alias"]): int(each["version"]) for each in found.get("aliases", ())},
    )  # fmt: skip
