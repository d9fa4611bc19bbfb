"""A folder `mlruns` of clients that kept no server, read as it lies there.

An experiment is a folder by its id, in `.trash` once it is deleted; below it each run is one, with `meta.yaml` and a
file for each metric, parameter and tag, whose path is the key. Registered models lie in `models`, a folder for each
version.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml

from argosy.errors import InputError, UnknownError
from argosy.protocols.mlflow import wire
from argosy.protocols.mlflow.importing.disk import Disk
from argosy.protocols.mlflow.importing.source import (
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
from argosy.store.tracking.inputs import Input
from argosy.store.tracking.inputs import Source as Data
from argosy.store.tracking.metrics import Last, Point

T = TypeVar("T")
_META, _MODELS, _TRASH, _VERSION, _GONE = "meta.yaml", "models", ".trash", "version-", "Deleted_Internal"
_BESIDE = frozenset({"tags", "datasets", "traces", _MODELS})
"""Folders of an experiment that are no runs."""
_STATUSES = dict(enumerate(("RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED"), 1))
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_PAGE, _POINTS, _LONGEST = 100, 25_000, 32 << 20


class Folder:
    """A folder; `disk` holds it, and directories in which artifacts may lie beside it."""

    def __init__(self, root: Path, disk: Disk) -> None:
        self._root, self._disk = root, disk
        if not root.is_dir():
            raise UnknownError(
                f"there is no folder {root}", next="name the folder mlruns, or a server as http://HOST:PORT"
            )

    @property
    def name(self) -> str:
        """Its path."""
        return str(self._root)

    def experiments(self) -> Iterator[Sequence[Experiment | Broken]]:
        """All experiments."""
        found = [each for each in self._folders(self._root) if each.name not in (_TRASH, _MODELS)]
        yield from self._pages([*found, *self._folders(self._root / _TRASH)], self._experiment)

    def runs(self, experiment: Experiment) -> Iterator[Sequence[Run | Broken]]:
        """The runs of an experiment, by their names."""
        found = [each for each in self._folders(self._place(experiment)) if each.name not in _BESIDE]
        yield from self._pages(found, self._run)

    def flows(self, experiment: Experiment, run: Run) -> Flows:
        """What a run read and made."""
        place = self._place(experiment)
        given = [self._meta(each) for each in self._folders(place / run.run / "inputs")]
        tagged = [
            (str(each["source_id"]), {str(key): str(value) for key, value in (each.get("tags") or {}).items()})
            for each in given
            if each["source_type"] == "DATASET"
        ]
        made = [self._meta(each) for each in self._folders(place / run.run / "outputs")]
        return Flows(
            [Input(_data(self._meta(place / "datasets" / id)), tags) for id, tags in tagged],
            [(str(each["source_id"]), 0) for each in given if each["source_type"] == "MODEL"],
            [(str(each["source_id"]), int(each.get("step") or 0)) for each in made],
        )

    def points(self, experiment: Experiment, run: Run, key: str) -> Iterator[Sequence[Point]]:
        """The history of a metric."""
        found = self._points(self._place(experiment) / run.run / "metrics", key)
        while page := list(itertools.islice(found, _POINTS)):
            yield page

    def logged(self, experiment: Experiment) -> Iterator[Sequence[Logged | Broken]]:
        """The logged models of an experiment; clients before 3 had none."""
        for page in self._pages(self._folders(self._place(experiment) / _MODELS), self._logged):
            yield [each for each in page if each is not None]

    def models(self) -> Iterator[Sequence[Model | Broken]]:
        """The registered models."""
        yield from self._pages(self._folders(self._root / _MODELS), self._model)

    def versions(self) -> Iterator[Sequence[Version | Broken]]:
        """The versions of all registered models."""
        for model in self._folders(self._root / _MODELS):
            found = [each for each in self._folders(model) if each.name.removeprefix(_VERSION).isdecimal()]
            found.sort(key=lambda each: int(each.name.removeprefix(_VERSION)))
            for page in self._pages(found, self._version):
                yield [each for each in page if isinstance(each, Broken) or each.stage != _GONE]

    def files(self, location: str, beside: Sequence[str]) -> Iterator[File]:
        """The files at a location, else in the folder beside it, which clients use unless they are told another."""
        place = self._beside(beside)
        try:
            folder = self._disk.folder(location) if location else place
        except ElsewhereError:
            if place is None:
                raise
            folder = place  # the folder was brought here from another machine
        if folder is None and location:
            raise ElsewhereError(f"artifacts lie at {location[:300]}", next="they stay there")
        if folder is None or (place is not None and not folder.is_dir()):
            folder = place
        if folder is not None:
            yield from self._disk.files(folder)

    def read(self, file: File) -> Iterator[bytes]:
        """The bytes of a file."""
        yield from self._disk.read(file)

    def stop(self) -> None:
        """Nothing waits."""

    def close(self) -> None:
        """Nothing is held."""

    def _place(self, experiment: Experiment) -> Path:
        place = self._root / _TRASH / experiment.id
        return place if place.is_dir() else self._root / experiment.id

    def _beside(self, names: Sequence[str]) -> Path | None:
        for root in (self._root, self._root / _TRASH):
            place = root.joinpath(*names)
            if place.is_dir() and self._disk.holds(place):
                return place
        return None

    def _folders(self, place: Path) -> list[Path]:
        """The folders in one, links to elsewhere left out."""
        if not place.is_dir():
            return []
        return sorted(each for each in place.iterdir() if each.is_dir() and self._disk.holds(each))

    def _pages(self, found: Sequence[Path], made: Callable[[Path], T]) -> Iterator[list[T | Broken]]:
        for start in range(0, len(found), _PAGE):
            yield [self._made(each, made) for each in found[start : start + _PAGE]]

    def _made(self, place: Path, made: Callable[[Path], T]) -> T | Broken:
        try:
            return made(place)
        except (OSError, InputError, KeyError, TypeError, ValueError, yaml.YAMLError) as error:
            name = place.relative_to(self._root).as_posix()
            return Broken(name, f"it cannot be read: {type(error).__name__}: {error}")

    def _experiment(self, place: Path) -> Experiment:
        meta = self._meta(place)
        deleted = place.parent.name == _TRASH or meta.get("lifecycle_stage") == "deleted"
        return Experiment(
            place.name, str(meta["name"]), str(meta.get("artifact_location") or ""), _time(meta, "creation_time"),
            _time(meta, "last_update_time"), deleted, self._texts(place / "tags"),
        )  # fmt: skip

    def _run(self, place: Path) -> Run:
        meta, tags = self._meta(place), self._texts(place / "tags")
        status = meta.get("status", 1)
        metrics = place / "metrics"
        return Run(
            place.name, str(meta.get("run_name") or tags.get("mlflow.runName", "")), str(meta.get("user_id") or ""),
            wire.STATUSES[_STATUSES[status] if isinstance(status, int) else str(status)], _time(meta, "start_time"),
            _time(meta, "end_time") or None, meta.get("lifecycle_stage") == "deleted",
            str(meta.get("artifact_uri") or ""), self._texts(place / "params"), tags,
            {key: self._last(metrics, key) for key in self._keys(metrics)},
        )  # fmt: skip

    def _logged(self, place: Path) -> Logged | None:
        meta = self._meta(place)
        if meta.get("lifecycle_stage") == "deleted":
            return None
        status = meta.get("status", 0)
        return Logged(
            place.name, str(meta.get("name") or ""), str(meta.get("model_type") or ""),
            OURS[status if isinstance(status, int) else f"LOGGED_MODEL_{status}"], meta.get("source_run_id") or None,
            _time(meta, "creation_timestamp"), _time(meta, "last_updated_timestamp"),
            str(meta.get("artifact_location") or ""), self._texts(place / "params"), self._texts(place / "tags"),
            [each for key in self._keys(place / "metrics") for each in self._measured(place / "metrics", key)],
        )  # fmt: skip

    def _model(self, place: Path) -> Model:
        meta = self._meta(place)
        return Model(
            str(meta["name"]), str(meta.get("description") or ""), _time(meta, "creation_timestamp"),
            _time(meta, "last_updated_timestamp"), self._texts(place / "tags"),
            {alias: int(number) for alias, number in self._texts(place / "aliases").items()},
        )  # fmt: skip

    def _version(self, place: Path) -> Version:
        meta, number = self._meta(place), place.name.removeprefix(_VERSION)
        source = str(meta.get("source") or "")
        return Version(
            str(meta["name"]), int(number), str(meta.get("description") or ""), source,
            str(meta.get("storage_location") or source), meta.get("run_id") or None, meta.get("model_id") or None,
            str(meta.get("current_stage") or "None"), str(meta.get("user_id") or ""),
            _time(meta, "creation_timestamp"), _time(meta, "last_updated_timestamp"), self._texts(place / "tags"),
        )  # fmt: skip

    def _meta(self, place: Path) -> Mapping[str, Any]:
        found = yaml.load(self._text(place / _META), Loader=_LOADER)
        if not isinstance(found, dict):
            raise InputError(f"{place / _META} holds no fields", next="restore it from a copy")
        return found

    def _texts(self, place: Path) -> dict[str, str]:
        return {key: self._text(place / key) for key in self._keys(place)}

    def _keys(self, place: Path) -> list[str]:
        """The names of the files below a folder: keys may hold slashes."""
        return [each.path for each in self._disk.files(place)]

    def _text(self, path: Path) -> str:
        if not self._disk.holds(path):
            raise InputError(f"{path} is a link out of {self._root}", next="copy what it points at")
        if path.stat().st_size > _LONGEST:
            raise InputError(f"{path} has more than {_LONGEST:,} bytes", next="it is no text of MLflow's")
        return path.read_bytes().decode()

    def _lines(self, place: Path, key: str) -> Iterator[list[str]]:
        path = place / key
        if not self._disk.holds(path):
            raise InputError(f"{path} is a link out of {self._root}", next="copy what it points at")
        with path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                found = line.split()
                if len(found) < 2:
                    raise InputError(f"{path}:{number} is no point of a metric", next="mend or remove the line")
                yield found

    def _points(self, place: Path, key: str) -> Iterator[Point]:
        """A time, a value and, unless the client was a very old one, a step; then it may tell of a dataset."""
        for at, value, *rest in self._lines(place, key):
            yield Point(key, float(value), int(rest[0]) if rest else 0, int(at))

    def _last(self, place: Path, key: str) -> Last:
        last = max(self._points(place, key), key=lambda each: (each.step, each.at, each.value), default=None)
        if last is None:
            raise InputError(f"{place / key} holds no point", next="remove the file")
        return Last(last.value, last.step, last.at)

    def _measured(self, place: Path, key: str) -> Iterator[Measured]:
        """Lines of metrics of logged models: time, value, step, run, and where it is told a dataset with its digest."""
        for at, value, step, run, *data in self._lines(place, key):
            name, digest = (" ".join(data[:-1]), data[-1]) if len(data) > 1 else ("", "")
            yield Measured(run, name, digest, Point(key, float(value), int(step), int(at)))


def _time(meta: Mapping[str, Any], name: str) -> int:
    return int(meta.get(name) or 0)


def _data(meta: Mapping[str, Any]) -> Data:
    schema, profile = meta.get("schema"), meta.get("profile")
    return Data(
        str(meta["name"]), str(meta["digest"]), str(meta.get("source_type") or ""), str(meta.get("source") or ""),
        None if schema is None else str(schema), None if profile is None else str(profile),
    )  # fmt: skip
