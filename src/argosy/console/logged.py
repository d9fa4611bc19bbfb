"""The page of a logged model: what made it, how it was measured, and its files."""

from __future__ import annotations

from datetime import datetime

import msgspec
from sqlalchemy import Connection

from argosy.console import folder, links, sight
from argosy.console.folder import Folder
from argosy.console.page import Page
from argosy.console.sight import Sight
from argosy.errors import UnknownError
from argosy.store.artifacts import Artifact
from argosy.store.models import logged, readings
from argosy.store.store import Store
from argosy.store.tracking import changes, experiments, files, labels, place
from argosy.store.tracking.changes import LOGGED, Past

_MEASURES, _CHANGES = 200, 60


class Measure(msgspec.Struct, frozen=True):
    """The last value of a metric of the model on a dataset ("" for none), and the run that logged it."""

    key: str
    value: float
    step: int
    dataset: str
    digest: str
    run: str


class LoggedPage(msgspec.Struct, frozen=True, kw_only=True):
    """What the page of a logged model shows; `run` made it. `folder` is None where its files lie elsewhere."""

    model: str
    name: str
    type: str
    status: str
    run: str | None
    experiment_id: int
    experiment: str
    at: datetime
    deleted_at: datetime | None
    parameters: dict[str, str]
    tags: dict[str, str]
    measures: tuple[Measure, ...]
    folder: Folder | None
    location: str
    sight: Sight | None
    changes: tuple[Past, ...]


def page(conn: Connection, store: Store, model: str, now: datetime, path: str = "") -> Page:
    """The logged model of a name, with the file at a path. Raises UnknownError, UsageError."""
    data = read(conn, store, model, path)
    crumbs = (
        ("experiments", links.experiments()), (data.experiment, links.experiment(data.experiment_id)),
        (data.name or data.model, None),
    )  # fmt: skip
    return Page(data.name or data.model, "logged.html", data, now, trail=crumbs, here="experiments")


def read(conn: Connection, store: Store, model: str, path: str = "") -> LoggedPage:
    """The snapshot of the page; a constant number of queries."""
    found = logged.get(conn, model)
    experiment = experiments.get(conn, found.experiment_id)
    root, asked = _root(experiment.location, model), place.path(path.strip("/"))
    tree = folder.read(conn, root, asked) if root is not None else None
    return LoggedPage(
        model=model, name=found.name, type=found.type, status=found.status, run=found.run,
        experiment_id=experiment.id, experiment=experiment.name, at=found.at, deleted_at=found.deleted_at,
        parameters=dict(found.parameters), tags=labels.of(conn, LOGGED, [model]).get(model, {}),
        measures=_measures(conn, found.id), folder=tree, location=f"{experiment.location}/models/{model}/artifacts",
        sight=sight.beside(conn, store, root, tree, asked, "MLmodel"),
        changes=tuple(changes.of(conn, LOGGED, model, _CHANGES)),
    )  # fmt: skip


def find(conn: Connection, model: str, path: str) -> Artifact:
    """The file at a path of a logged model. Raises UnknownError, UsageError."""
    root = _root(experiments.get(conn, logged.get(conn, model).experiment_id).location, model)
    if root is None:
        raise UnknownError(f"the files of {model} lie elsewhere", next=links.logged(model))
    return files.get(conn, f"{root}/{place.path(path)}")


def _root(location: str, model: str) -> str | None:
    return place.root(location, f"models/{model}")


def _measures(conn: Connection, id: int) -> tuple[Measure, ...]:
    last: dict[tuple[str, str, str], Measure] = {}
    for each in readings.of(conn, [id]).get(id, ()):
        point, of = each.point, (each.point.key, each.dataset, each.digest)
        if of not in last or point.step >= last[of].step:
            last[of] = Measure(point.key, point.value, point.step, each.dataset, each.digest, each.run)
    return tuple(last.values())[:_MEASURES]
