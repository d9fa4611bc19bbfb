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
from argosy.protocols.mlflow.importing.disk import Disk
from argosy.protocols.mlflow.importing.source import (
    Broken,
    ElsewhereError,
    Experiment,
    File,
    Flows,
    Logged,
    Model,
    Run,
    Version,
)
from argosy.protocols.mlflow.importing.tree import META, TRASH, VERSION, Tree
from argosy.store.tracking.inputs import Input
from argosy.store.tracking.inputs import Source as Data
from argosy.store.tracking.metrics import Point

T = TypeVar("T")
_MODELS, _GONE = "models", "Deleted_Internal"
_BESIDE = frozenset({"tags", "datasets", "traces", _MODELS})
"""Folders of an experiment that are no runs."""
_PAGE, _POINTS = 100, 25_000


class Folder:
    """A folder; `disk` holds it, and directories in which artifacts may lie beside it."""

    def __init__(self, root: Path, disk: Disk) -> None:
        self._root, self._disk, self._tree = root, disk, Tree(root, disk)
        if not root.is_dir():
            raise UnknownError(
                f"there is no folder {root}", next="name the folder mlruns, or a server as http://HOST:PORT"
            )
        if not any(each for shape in (f"*/{META}", f"{TRASH}/*/{META}") for each in root.glob(shape)):
            raise InputError(f"{root} holds no experiments of MLflow", next="name the folder mlruns itself")

    @property
    def name(self) -> str:
        """Its path."""
        return str(self._root)

    def experiments(self) -> Iterator[Sequence[Experiment | Broken]]:
        """All experiments."""
        found = [each for each in self._tree.folders(self._root) if each.name not in (TRASH, _MODELS)]
        yield from self._pages([*found, *self._tree.folders(self._root / TRASH)], self._tree.experiment)

    def runs(self, experiment: Experiment) -> Iterator[Sequence[Run | Broken]]:
        """The runs of an experiment, by their names."""
        found = [each for each in self._tree.folders(self._place(experiment)) if each.name not in _BESIDE]
        yield from self._pages(found, self._tree.run)

    def flows(self, experiment: Experiment, run: Run) -> Flows:
        """What a run read and made."""
        place = self._place(experiment)
        given = [self._tree.meta(each) for each in self._tree.folders(place / run.run / "inputs")]
        tagged = [
            (str(each["source_id"]), {str(key): str(value) for key, value in (each.get("tags") or {}).items()})
            for each in given
            if each["source_type"] == "DATASET"
        ]
        made = [self._tree.meta(each) for each in self._tree.folders(place / run.run / "outputs")]
        return Flows(
            [Input(_data(self._tree.meta(place / "datasets" / id)), tags) for id, tags in tagged],
            [(str(each["source_id"]), 0) for each in given if each["source_type"] == "MODEL"],
            [(str(each["source_id"]), int(each.get("step") or 0)) for each in made],
        )

    def points(self, experiment: Experiment, run: Run, key: str) -> Iterator[Sequence[Point]]:
        """The history of a metric."""
        found = self._tree.points(self._place(experiment) / run.run / "metrics", key)
        while page := list(itertools.islice(found, _POINTS)):
            yield page

    def logged(self, experiment: Experiment) -> Iterator[Sequence[Logged | Broken]]:
        """The logged models of an experiment; clients before 3 had none."""
        for page in self._pages(self._tree.folders(self._place(experiment) / _MODELS), self._tree.logged):
            yield [each for each in page if each is not None]

    def models(self) -> Iterator[Sequence[Model | Broken]]:
        """The registered models."""
        yield from self._pages(self._tree.folders(self._root / _MODELS), self._tree.model)

    def versions(self) -> Iterator[Sequence[Version | Broken]]:
        """The versions of all registered models."""
        for model in self._tree.folders(self._root / _MODELS):
            found = [each for each in self._tree.folders(model) if each.name.removeprefix(VERSION).isdecimal()]
            found.sort(key=lambda each: int(each.name.removeprefix(VERSION)))
            for page in self._pages(found, self._tree.version):
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
        place = self._root / TRASH / experiment.id
        return place if place.is_dir() else self._root / experiment.id

    def _beside(self, names: Sequence[str]) -> Path | None:
        for root in (self._root, self._root / TRASH):
            place = root.joinpath(*names)
            if place.is_dir() and self._disk.holds(place):
                return place
        return None

    def _pages(self, found: Sequence[Path], made: Callable[[Path], T]) -> Iterator[list[T | Broken]]:
        for start in range(0, len(found), _PAGE):
            yield [self._made(each, made) for each in found[start : start + _PAGE]]

    def _made(self, place: Path, made: Callable[[Path], T]) -> T | Broken:
        try:
            return made(place)
        except (OSError, InputError, KeyError, TypeError, ValueError, yaml.YAMLError) as error:
            name = place.relative_to(self._root).as_posix()
            return Broken(name, f"it cannot be read: {type(error).__name__}: {error}")


def _data(meta: Mapping[str, Any]) -> Data:
    schema, profile = meta.get("schema"), meta.get("profile")
    return Data(
        str(meta["name"]), str(meta["digest"]), str(meta.get("source_type") or ""), str(meta.get("source") or ""),
        None if schema is None else str(schema), None if profile is None else str(profile),
    )  # fmt: skip
