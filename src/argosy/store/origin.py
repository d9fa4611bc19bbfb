"""Origin: all that a version or a dataset goes back to: rows, files, code, environment and what was asked for."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, select

from argosy.store import applications, bundles, datasets, declarations, edges, executions, schema, versions
from argosy.store.lineage import Node

_DEEPEST = 8


class Code(msgspec.Struct, frozen=True):
    """The bundle that ran: `modules` and `functions` map names to what their content, or their syntax, hashes to.

    `functions` are those that the declaration names (`flights:conditions`). `git_commit` is None outside a checkout;
    `dirty` says that the tree held changes beside it.
    """

    project: str
    bundle: str
    git_commit: str | None
    dirty: bool
    modules: dict[str, str]
    functions: dict[str, str]
    libraries: dict[str, str]


class Requirement(msgspec.Struct, frozen=True):
    """The declaration that asked for it; `standing` is false where another has taken its place since."""

    kind: str
    name: str
    fingerprint: str
    description: str
    owner: str
    at: datetime
    actor: str
    standing: bool


class Data(msgspec.Struct, frozen=True):
    """A version of a dataset: its rows and parts, and what all executions read that made it and those before it.

    `read` are files and other things outside, as kind and reference; `made_of` are datasets, each in the latest version
    that was read. `requirement` is the dataset's declaration, or that of the view whose rows these are.
    """

    dataset: str
    number: int
    at: datetime
    rows: int
    parts: int
    low: datetime | None
    high: datetime | None
    digest: str
    execution_id: int | None
    requirement: Requirement | None
    code: Code | None
    read: tuple[tuple[str, str], ...]
    made_of: tuple[Data, ...]


class Origin(msgspec.Struct, frozen=True):
    """Where a version comes from. `rows` is the number that it was trained on, `low`..`high` their event times.

    `slice` addresses its member's rows, `training_set` the rows of all members of the training.
    """

    reference: str
    at: datetime
    format: str
    artifact: str
    rows: int
    low: datetime | None
    high: datetime | None
    slice: str
    training_set: str
    execution: executions.Execution
    requirement: Requirement | None
    code: Code | None
    data: tuple[Data, ...]


def of(conn: Connection, node: Node) -> Origin | Data | None:
    """The origin of a node of the lineage; None for what is neither a version nor a dataset's, or is not there."""
    name, _, number = node.reference.rpartition("@")
    if not (name and number.isascii() and number.isdigit()):
        return None
    if node.kind == "dataset":
        return of_dataset(conn, name, int(number))
    fleet, _, key = name.partition("/")
    return of_version(conn, fleet, key, int(number)) if node.kind == "version" else None


def of_version(conn: Connection, fleet: str, key: str, number: int) -> Origin | None:
    """The origin of one version."""
    version = versions.find(conn, fleet, key, number)
    if version is None:
        return None
    run = executions.get(conn, [version.execution_id])[version.execution_id]
    read = [edge for edge in edges.of(conn, [run.id]) if edge.direction == edges.IN]
    named = {edge.kind: edge.reference for edge in read}
    wanted = _declared(conn, "fleet", fleet, before=run.started_at)
    data = _datasets(conn, [edge.reference for edge in read if edge.kind == "dataset"], _DEEPEST)
    return Origin(
        f"{fleet}/{key}@{number}" if key else f"{fleet}@{number}", version.at, version.format, version.artifact,
        version.rows, version.span_low, version.span_high, named.get("rows", ""), named.get("training set", ""), run,
        _requirement(conn, wanted), _code(conn, run, wanted), tuple(data),
    )  # fmt: skip


def of_dataset(conn: Connection, name: str, number: int) -> Data | None:
    """The origin of one version of a dataset."""
    return _data(conn, name, number, _DEEPEST)


def _datasets(conn: Connection, references: list[str], depth: int) -> list[Data]:
    """Those of the references that are there, each dataset once, in its latest version."""
    latest: dict[str, int] = {}
    for reference in references:
        name, _, number = reference.rpartition("@")
        if name and number.isdigit():
            latest[name] = max(int(number), latest.get(name, 0))
    found = [_data(conn, name, number, depth) for name, number in sorted(latest.items())]
    return [each for each in found if each is not None]


def _data(conn: Connection, name: str, number: int, depth: int) -> Data | None:
    version = datasets.version(conn, name, number)
    if version is None:
        return None
    runs = executions.get(conn, [] if version.execution_id is None else [version.execution_id])
    run = runs.get(version.execution_id or 0)
    held = datasets.parts(conn, name, number)
    read = _read(conn, name, number)
    wanted = _asked(conn, name, run)
    inside = [reference for kind, reference in read if kind == "dataset"]
    return Data(
        name, number, version.at, version.rows, len(held),
        min((part.low for part in held if part.low is not None), default=None),
        max((part.high for part in held if part.high is not None), default=None),
        version.digest, version.execution_id, _requirement(conn, wanted),
        _code(conn, run, wanted),
        tuple((kind, reference) for kind, reference in read if kind != "dataset"),
        tuple(_datasets(conn, inside, depth - 1)) if depth else (),
    )  # fmt: skip


def _read(conn: Connection, name: str, number: int) -> list[tuple[str, str]]:
    """(kind, reference) of all that was read for a dataset's versions up to this one, in the order of reading."""
    version, edge = schema.dataset_version.c, schema.edge.c
    runs = select(version.execution_id).where(version.dataset == name, version.number <= number)
    query = select(edge.kind, edge.reference).where(edge.execution_id.in_(runs), edge.direction == edges.IN)
    rows = conn.execute(query.order_by(edge.execution_id, edge.kind, edge.reference))
    return list(dict.fromkeys((kind, reference) for kind, reference in rows))


def _asked(conn: Connection, name: str, run: executions.Execution | None) -> declarations.Declaration | None:
    """What asked for a dataset's rows: the view that was materialised, as it was then, or the dataset itself."""
    if run is not None and "view" in run.parameters:
        fingerprint = run.parameters.get("fingerprint")
        found = declarations.history(conn, "feature_view", run.parameters["view"])
        return next((each for each in found if each.fingerprint == fingerprint), None)
    return None if run is None else _declared(conn, "dataset", name, before=run.started_at)


def _declared(conn: Connection, kind: str, name: str, *, before: datetime) -> declarations.Declaration | None:
    """The declaration of a name that was in force at a time."""
    found = declarations.history(conn, kind, name)
    return next((each for each in found if each.at <= before and not each.removed), None)


def _requirement(conn: Connection, wanted: declarations.Declaration | None) -> Requirement | None:
    if wanted is None:
        return None
    now = declarations.get(conn, wanted.kind, wanted.name)
    body: dict[str, Any] = wanted.body
    return Requirement(
        wanted.kind, wanted.name, wanted.fingerprint, body.get("description") or "", body.get("owner") or "",
        wanted.at, wanted.actor, now is not None and now.fingerprint == wanted.fingerprint,
    )  # fmt: skip


def _code(
    conn: Connection, run: executions.Execution | None, wanted: declarations.Declaration | None
) -> Code | None:  # fmt: skip
    bundle = bundles.get(conn, run.bundle) if run and run.bundle else None
    if run is None or bundle is None:
        return None
    functions = wanted.body.get("code", {}) if wanted else {}
    made = applications.source(applications.of(conn, [bundle.digest]).get(bundle.digest, ()), run.started_at)
    commit, dirty = (made.git_commit, made.dirty) if made else (None, False)
    return Code(bundle.project, bundle.digest, commit, dirty, bundle.modules, functions, bundle.libraries)
