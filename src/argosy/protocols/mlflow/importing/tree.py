"""Single things of a folder `mlruns`: what one folder with its meta.yaml holds, and the files below it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from argosy.errors import InputError
from argosy.protocols.mlflow import wire
from argosy.protocols.mlflow.importing.disk import Disk
from argosy.protocols.mlflow.importing.source import Experiment, Logged, Measured, Model, Run, Version
from argosy.protocols.mlflow.logged import OURS
from argosy.store.tracking.metrics import Last, Point

META, TRASH, VERSION = "meta.yaml", ".trash", "version-"
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_STATUSES = dict(enumerate(("RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED"), 1))
_LONGEST = 32 << 20
_NESTED = (list, tuple, set, dict)


class Tree:
    """Folders below `root`, which `disk` holds. What cannot be read raises OSError, ValueError, KeyError, TypeError."""

    def __init__(self, root: Path, disk: Disk) -> None:
        self._root, self._disk = root, disk

    def experiment(self, place: Path) -> Experiment:
        """An experiment."""
        meta = self.meta(place)
        deleted = place.parent.name == TRASH or meta.get("lifecycle_stage") == "deleted"
        return Experiment(
            place.name, str(meta["name"]), str(meta.get("artifact_location") or ""), _time(meta, "creation_time"),
            _time(meta, "last_update_time"), deleted, self.texts(place / "tags"),
        )  # fmt: skip

    def run(self, place: Path) -> Run:
        """A run, with the last values of its metrics."""
        meta, tags = self.meta(place), self.texts(place / "tags")
        status = meta.get("status", 1)
        metrics = place / "metrics"
        return Run(
            place.name, str(meta.get("run_name") or tags.get("mlflow.runName", "")), str(meta.get("user_id") or ""),
            wire.STATUSES[_STATUSES[status] if isinstance(status, int) else str(status)], _time(meta, "start_time"),
            _time(meta, "end_time") or None, meta.get("lifecycle_stage") == "deleted",
            str(meta.get("artifact_uri") or ""), self.texts(place / "params"), tags,
            {key: self.last(metrics, key) for key in self.keys(metrics)},
        )  # fmt: skip

    def logged(self, place: Path) -> Logged | None:
        """A logged model; None for one that was deleted."""
        meta = self.meta(place)
        if meta.get("lifecycle_stage") == "deleted":
            return None
        status = meta.get("status", 0)
        return Logged(
            place.name, str(meta.get("name") or ""), str(meta.get("model_type") or ""),
            OURS[status if isinstance(status, int) else f"LOGGED_MODEL_{status}"], meta.get("source_run_id") or None,
            _time(meta, "creation_timestamp"), _time(meta, "last_updated_timestamp"),
            str(meta.get("artifact_location") or ""), self.texts(place / "params"), self.texts(place / "tags"),
            [each for key in self.keys(place / "metrics") for each in self.measured(place / "metrics", key)],
        )  # fmt: skip

    def model(self, place: Path) -> Model:
        """A registered model."""
        meta = self.meta(place)
        return Model(
            str(meta["name"]), str(meta.get("description") or ""), _time(meta, "creation_timestamp"),
            _time(meta, "last_updated_timestamp"), self.texts(place / "tags"),
            {alias: int(number) for alias, number in self.texts(place / "aliases").items()},
        )  # fmt: skip

    def version(self, place: Path) -> Version:
        """A version of the registered model whose folder its own lies in."""
        meta, number = self.meta(place), place.name.removeprefix(VERSION)
        source = str(meta.get("source") or "")
        return Version(
            str(meta["name"]), int(number), str(meta.get("description") or ""), source,
            str(meta.get("storage_location") or source), meta.get("run_id") or None, meta.get("model_id") or None,
            str(meta.get("current_stage") or "None"), str(meta.get("user_id") or ""),
            _time(meta, "creation_timestamp"), _time(meta, "last_updated_timestamp"), self.texts(place / "tags"),
        )  # fmt: skip

    def folders(self, place: Path) -> list[Path]:
        """The folders in one, links to elsewhere left out."""
        if not place.is_dir():
            return []
        return sorted(each for each in place.iterdir() if each.is_dir() and self._disk.holds(each))

    def meta(self, place: Path) -> Mapping[str, Any]:
        """The fields of a folder's meta.yaml: texts, numbers, and texts by their names.

        What is nested deeper is left out: aliases of YAML make gigabytes of text out of few bytes.
        """
        found = yaml.load(self._text(place / META), Loader=_LOADER)
        if not isinstance(found, dict):
            raise InputError(f"{place / META} holds no fields", next="restore it from a copy")
        return {
            name: _flat(value) if isinstance(value, dict) else value for name, value in _flat(found, but=dict).items()
        }

    def texts(self, place: Path) -> dict[str, str]:
        """The values below a folder, by their keys."""
        return {key: self._text(place / key) for key in self.keys(place)}

    def keys(self, place: Path) -> list[str]:
        """The names of the files below a folder: keys may hold slashes."""
        return [each.path for each in self._disk.files(place)]

    def points(self, place: Path, key: str) -> Iterator[Point]:
        """A time, a value and, unless the client was a very old one, a step; then it may tell of a dataset."""
        for at, value, *rest in self._lines(place, key):
            yield Point(key, float(value), int(rest[0]) if rest else 0, int(at))

    def last(self, place: Path, key: str) -> Last:
        """The last value of a metric: that of the largest step, then time, then value."""
        last = max(self.points(place, key), key=lambda each: (each.step, each.at, each.value), default=None)
        if last is None:
            raise InputError(f"{place / key} holds no point", next="remove the file")
        return Last(last.value, last.step, last.at)

    def measured(self, place: Path, key: str) -> Iterator[Measured]:
        """Lines of metrics of logged models: time, value, step, run, and where it is told a dataset with its digest."""
        for at, value, step, run, *data in self._lines(place, key):
            name, digest = (" ".join(data[:-1]), data[-1]) if len(data) > 1 else ("", "")
            yield Measured(run, name, digest, Point(key, float(value), int(step), int(at)))

    def _text(self, path: Path) -> str:
        if self._size(path) > _LONGEST:
            raise InputError(f"{path} has more than {_LONGEST:,} bytes", next="it is no text of MLflow's")
        return path.read_bytes().decode()

    def _size(self, path: Path) -> int:
        if not self._disk.holds(path):
            raise InputError(f"{path} is a link out of {self._root}", next="copy what it points at")
        return self._disk.size(path)

    def _lines(self, place: Path, key: str) -> Iterator[list[str]]:
        path = place / key
        self._size(path)
        with path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                found = line.split()
                if len(found) < 2:
                    raise InputError(f"{path}:{number} is no point of a metric", next="mend or remove the line")
                yield found


def _flat(found: Mapping[str, Any], but: type | None = None) -> dict[str, Any]:
    """The fields that hold nothing nested, and those of a type."""
    return {name: value for name, value in found.items() if type(value) is but or not isinstance(value, _NESTED)}


def _time(meta: Mapping[str, Any], name: str) -> int:
    return int(meta.get(name) or 0)
