"""The page of a tracked run: how it went, what it was given and gave, from where, and what became of it since."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import msgspec
from markupsafe import Markup
from sqlalchemy import Connection

from argosy.console import compare, curve, folder, links, matrix, sight
from argosy.console.curve import Curve
from argosy.console.experiment import NOTE, took
from argosy.console.folder import Folder, Node
from argosy.console.matrix import Matrix
from argosy.console.page import Page
from argosy.console.sight import Sight
from argosy.errors import ArgosyError, UnknownError
from argosy.store import artifacts, calls
from argosy.store.artifacts import Artifact
from argosy.store.models import logged
from argosy.store.models import search as registry
from argosy.store.store import Store
from argosy.store.tracking import (
    column,
    experiments,
    files,
    history,
    identity,
    inputs,
    keys,
    metrics,
    naming,
    place,
    runs,
    texts,
)
from argosy.store.tracking.changes import Past
from argosy.store.tracking.clause import Clause, Order
from argosy.store.tracking.metrics import Last
from argosy.store.tracking.runs import PARENT_TAG, Run

_CURVES, _CHILDREN, _CHANGES, _LIST = 6, 20, 60, "requirements.txt"
_CONTEXT = "mlflow.data.context"
_OWN = ("mlflow.", "argosy.")


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What the URL asks for: keys that hold a text, beyond `parameter` and `metric`; curves, smoothed; a file."""

    keys: str = ""
    parameter: str = ""
    metric: str = ""
    curve: str = ""
    smooth: float = 0.0
    path: str = ""


class Child(msgspec.Struct, frozen=True):
    """A run that this one began."""

    run: str
    name: str
    status: str
    started_at: datetime


class Data(msgspec.Struct, frozen=True):
    """A dataset that the run read."""

    name: str
    digest: str
    type: str
    context: str


class Model(msgspec.Struct, frozen=True):
    """A logged model that the run read or made (`way`), and the versions of registered models, as (name, number)."""

    way: str
    model: str
    step: int


class TrackedPage(msgspec.Struct, frozen=True, kw_only=True):
    """What the page of a run shows. `short` is what commands may call it by; `own` are links to what Argosy did itself.

    `source` tells of its code; `requirements` is the list of what a model that it logged needs. `tags` are people's,
    `labels` those of programs. `last` are metrics by key; `beyond` are links to more keys.
    """

    run: str
    short: str
    name: str
    experiment_id: int
    experiment: str
    status: str
    started_at: datetime
    ended_at: datetime | None
    deleted_at: datetime | None
    took: float | None
    owner: str
    note: str
    own: tuple[tuple[str, str], ...]
    parent: Child | None
    children: tuple[Child, ...]
    asked: Asked
    curve: str
    curves: tuple[Curve, ...]
    known: tuple[str, ...]
    last: dict[str, Last]
    parameters: Matrix
    beyond: dict[str, str]
    tags: dict[str, str]
    labels: dict[str, str]
    source: dict[str, str]
    requirements: str
    data: tuple[Data, ...]
    models: tuple[Model, ...]
    versions: tuple[tuple[str, int], ...]
    folder: Folder | None
    location: str
    sight: Sight | None
    changes: tuple[Past, ...]


def page(conn: Connection, store: Store, run: str, asked: Asked, now: datetime) -> Page:
    """The run of a name, or the one whose name begins so. Raises UnknownError, UsageError."""
    data = read(conn, store, run, asked, now)
    crumbs = (
        ("experiments", links.experiments()), (data.experiment, links.experiment(data.experiment_id)),
        (data.name, None),
    )  # fmt: skip
    given = msgspec.structs.asdict(asked)
    live = (
        links.with_query(f"{links.tracked(data.run)}/live", **{**given, "path": ""})
        if data.status == runs.RUNNING
        else ""
    )
    return Page(
        data.name, "tracked.html", data, now, trail=crumbs, here="experiments", live=live,
        command=f"argosy describe run {data.short}",
        pictures=draw(data),
    )  # fmt: skip


def draw(data: TrackedPage) -> dict[str, Markup]:
    """The curves of the page, by metric."""
    wide = {1: (760.0, 260.0), 2: (560.0, 220.0)}.get(len(data.curves), (420.0, 190.0))
    return {each.key: each.draw(*wide) for each in data.curves}


def read(conn: Connection, store: Store, name: str, asked: Asked, now: datetime) -> TrackedPage:
    """The snapshot of the page; a constant number of queries."""
    (run,) = identity.find(conn, [name])
    experiment = experiments.get(conn, run.experiment_id)
    tags = texts.of(conn, texts.TAG, [run.id]).get(run.id, {})
    parameters = matrix.parameters(conn, [run.id], asked.keys, asked.parameter)
    came = matrix.last(conn, [run.id], asked.keys, asked.metric)
    names = [each.name for each in came.rows]
    drawn = column.parse(asked.curve) or [Order("metric", key) for key in keys.stepped(conn, [run.id], names)[:_CURVES]]
    wanted = [each.key for each in drawn if each.entity == "metric"]
    root = place.root(experiment.location, run.run)
    path = place.path(asked.path.strip("/"))
    tree = folder.read(conn, root, path) if root is not None else None
    flows = logged.flows(conn, [run.id]).get(run.id, [])
    return TrackedPage(
        run=run.run, short=identity.shorts(conn, [run.run])[run.run], name=run.name, experiment_id=experiment.id,
        experiment=experiment.name, status=run.status, started_at=run.started_at, ended_at=run.ended_at,
        deleted_at=run.deleted_at, took=took(run, now), owner=run.owner, note=tags.get(NOTE, ""),
        own=_own(conn, run, tags), parent=_parent(conn, tags),
        children=tuple(map(_child, runs.children(conn, run, _CHILDREN))), asked=asked, curve=column.join(drawn),
        curves=tuple(curve.of(conn, [(run.id, run.name)], wanted, asked.smooth)),
        known=tuple(column.spell(Order("metric", key)) for key in names),
        last=metrics.last(conn, [run.id], names).get(run.id, {}), parameters=parameters,
        beyond=_beyond(run, asked, parameters, came),
        tags={key: value for key, value in tags.items() if not key.startswith(_OWN)},
        labels={key: value for key, value in tags.items() if key.startswith(_OWN) and key != NOTE},
        source={told: tags[tag] for told, tag in compare.SOURCE.items() if tag in tags},
        requirements=_requirements(conn, store, root, tree, [model for way, model, _ in flows if way == logged.OUT]),
        data=_data(conn, run), models=tuple(Model(*each) for each in flows), versions=_versions(conn, run),
        folder=tree, location=f"{experiment.location}/{run.run}/artifacts",
        sight=sight.beside(conn, store, root, tree, path), changes=_changes(conn, run),
    )  # fmt: skip


def find(conn: Connection, run: str, path: str) -> Artifact:
    """The file at a path below the root of a run. Raises UnknownError, UsageError."""
    (found,) = identity.find(conn, [run])
    root = place.root(experiments.get(conn, found.experiment_id).location, found.run)
    if root is None:
        raise UnknownError(f"the artifacts of run {run} lie elsewhere", next=links.tracked(run))
    return files.get(conn, f"{root}/{place.path(path)}")


def _own(conn: Connection, run: Run, tags: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Links to what Argosy knows of a run beside this page."""
    found = []
    kind, subject, made = (tags.get(f"argosy.{name}", "") for name in ("kind", "subject", "version"))
    if kind == "run" and run.run.startswith(naming.PIPELINE):
        found.append(("run of its pipeline", links.run(int(run.run[1:], 16))))
    if kind == "train" and subject:
        name, _, key = subject.partition("/")
        found.append((f"member {subject}", links.member(name, key)))
    if made:
        found.append((made, links.thing("version" if kind == "train" else "dataset", made)))
    execution = runs.execution(conn, run.id)
    if execution is not None:
        call = calls.first(conn, [execution]).get(execution) if kind == "step" else None
        if call is not None:
            found.append((f"step of run {call.run_id}", links.call(call)))
        found.append(("lineage", links.lineage("execution", str(execution))))
    return tuple(found)


def _parent(conn: Connection, tags: Mapping[str, str]) -> Child | None:
    try:
        return _child(runs.get(conn, tags.get(PARENT_TAG, "")))
    except UnknownError:
        return None


def _child(run: Run) -> Child:
    return Child(run.run, run.name, run.status, run.started_at)


def _data(conn: Connection, run: Run) -> tuple[Data, ...]:
    return tuple(
        Data(each.dataset.name, each.dataset.digest, each.dataset.source_type, each.tags.get(_CONTEXT, ""))
        for each in inputs.of(conn, [run.id]).get(run.id, ())
    )


def _changes(conn: Connection, run: Run) -> tuple[Past, ...]:
    """Without those of the tag that repeats the run's name."""
    return tuple(each for each in history.of_run(conn, run.run, _CHANGES) if each.field != f"tag:{runs.NAME_TAG}")


def _versions(conn: Connection, run: Run) -> tuple[tuple[str, int], ...]:
    found = registry.of_versions(conn, [Clause("attribute", "run_id", "=", run.run)], limit=_CHILDREN).items
    return tuple((each.name, each.number) for each in found)


def _beyond(run: Run, asked: Asked, parameters: Matrix, came: Matrix) -> dict[str, str]:
    given = msgspec.structs.asdict(asked)
    found = {}
    if parameters.next:
        found["parameters"] = links.tracked(run.run, **{**given, "parameter": parameters.next})
    if came.next:
        found["metrics"] = links.tracked(run.run, **{**given, "metric": came.next})
    return found


def _requirements(conn: Connection, store: Store, root: str | None, tree: Folder | None, models: list[str]) -> str:
    """The list of packages that lies in the run, or in a model that it logged."""
    listed = next((node.path for node in _leaves(tree.nodes if tree else ()) if node.name == _LIST), None)
    below = root.rpartition("/")[0].rpartition("/")[0] if root else ""
    path = f"{root}/{listed}" if listed else f"{below}/models/{models[0]}/artifacts/{_LIST}" if models and root else ""
    try:
        found = files.get(conn, path)
        return artifacts.content(store.blobs, found).decode(errors="replace") if found.bytes <= sight.LARGEST else ""
    except ArgosyError:  # none, or gone
        return ""


def _leaves(nodes: tuple[Node, ...]) -> list[Node]:
    return [leaf for node in nodes for leaf in ([node] if node.bytes is not None else _leaves(node.inside))]
