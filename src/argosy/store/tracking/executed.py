"""Executions as runs: a member's training below its fleet's, a step below the run of its pipeline, all else alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection

from argosy.store import applications
from argosy.store.applications import Application
from argosy.store.codec import EPOCH, from_json, from_micros
from argosy.store.edges import IN, LIST, OUT
from argosy.store.executions import FAILED
from argosy.store.rows import execute, within
from argosy.store.tracking import flat, naming, runs
from argosy.store.tracking.draft import ACTOR, Draft

TRACKED = "tracked"
"""The kind of the execution that a run of a client becomes when it ends: it is among the runs already."""
USER, NOTE = "mlflow.user", "mlflow.note.content"
_TRAIN, _TUNE, _STEP = "train", "tune", "step"
_FIELDS = (
    "e.id, e.key, e.kind, e.subject, m.fleet, m.key, e.started_at, e.ended_at, e.outcome, e.reason, e.cpu_s, e.wall_s, "
    "e.peak_bytes, e.parameters, e.metrics, e.bundle"
)
_FILES = 100
"""Artifacts of one execution that are listed with its run, at most: a step may make any number."""
_MODELS = {"lightgbm": "model.txt", "onnx": "model.onnx", "xgboost": "model.ubj"}


class Ran(NamedTuple):
    """An execution; times are microseconds since 1970, `fleet` and `member` those that it was to train a model of."""

    id: int
    key: str
    kind: str
    subject: str
    fleet: str | None
    member: str | None
    started: int
    ended: int
    outcome: str
    reason: str
    cpu_s: float | None
    wall_s: float | None
    peak_bytes: int | None
    parameters: str
    metrics: str
    bundle: str | None

    @property
    def trains(self) -> str | None:
        """The fleet that it is a part of a training of."""
        return self.subject if self.kind == _TUNE else self.fleet if self.kind == _TRAIN else None


class Call(NamedTuple):
    """The call that an execution was for: that of the run which paid for it."""

    run_id: int
    node: str
    element: int
    pipeline: str
    actor: str


class Made(NamedTuple):
    """The version that an execution made: its metrics as JSON, its model's artifact and format."""

    metrics: str
    artifact: str
    format: str


class Code:
    """Whose code ran: the tags that tell it, by bundle and time."""

    def __init__(self, conn: Connection, bundles: set[str]) -> None:
        clause, bound = within(conn, "digest", bundles)
        found = execute(conn, f"SELECT digest, project, actor FROM bundle WHERE {clause}", (bound,))
        self._bundles: dict[str, tuple[str, str]] = {digest: (project, actor) for digest, project, actor in found}
        self._applied: dict[str, list[Application]] = applications.of(conn, self._bundles) if self._bundles else {}

    def actor(self, bundle: str | None) -> str:
        """Who brought a bundle in."""
        return self._bundles[bundle][1] if bundle in self._bundles else ACTOR

    def tags(self, bundle: str | None, at: int) -> dict[str, str]:
        """What a run that began at a time ran."""
        if bundle is None or bundle not in self._bundles:
            return {}
        made = applications.source(self._applied.get(bundle, ()), from_micros(at) or EPOCH)
        commit = {"mlflow.source.git.commit": made.git_commit} if made and made.git_commit else {}
        name = {"mlflow.source.name": self._bundles[bundle][0], "mlflow.source.type": "JOB"}
        return {"argosy.bundle": bundle, **name, **commit}


class Span(NamedTuple):
    """All that is told of the executions with ids above `low` up to `high`; LIST pieces and tracked ones left out."""

    low: int
    high: int
    ran: list[Ran]
    calls: dict[int, Call]
    made: dict[int, Made]
    edges: dict[int, list[tuple[str, str, str]]]
    code: Code

    def inputs(self, id: int) -> list[str]:
        """The versions of datasets that an execution read."""
        return [ref for direction, kind, ref in self.edges.get(id, ()) if direction == IN and kind == "dataset"]


def span(conn: Connection, low: int, high: int) -> Span:
    """Read a span of executions; six statements."""
    sql = f"SELECT {_FIELDS} FROM execution e LEFT JOIN member m ON m.id = e.member_id WHERE e.id > ? AND e.id <= ? "
    found = execute(conn, f"{sql}AND e.kind NOT IN ('{LIST}', '{TRACKED}') ORDER BY e.id", (low, high))
    ran = [Ran(*row) for row in found]
    kinds = {each.kind for each in ran}
    edges: dict[int, list[tuple[str, str, str]]] = {}
    sql = "SELECT execution_id, direction, kind, reference FROM edge WHERE execution_id > ? AND execution_id <= ? "
    for id, *edge in execute(conn, f"{sql}AND kind IN ('dataset', 'version', 'log')", (low, high)):
        edges.setdefault(id, []).append((edge[0], edge[1], edge[2]))
    return Span(
        low, high, ran, _calls(conn, low, high) if _STEP in kinds else {}, _made(conn, low, high, edges), edges,
        Code(conn, {each.bundle for each in ran if each.bundle}),
    )  # fmt: skip


def drafts(found: Span) -> list[Draft]:
    """The runs that the executions are."""
    return [_draft(found, each) for each in found.ran]


def _calls(conn: Connection, low: int, high: int) -> dict[int, Call]:
    first = "SELECT min(id) FROM call WHERE execution_id > ? AND execution_id <= ? GROUP BY execution_id"
    sql = (
        "SELECT c.execution_id, c.run_id, c.node, c.element, r.pipeline, r.actor FROM call c "
        f"JOIN run r ON r.id = c.run_id WHERE c.id IN ({first})"
    )
    return {id: Call(*row) for id, *row in execute(conn, sql, (low, high))}


def _made(
    conn: Connection, low: int, high: int, edges: Mapping[int, Sequence[tuple[str, str, str]]]
) -> dict[int, Made]:  # fmt: skip
    """By the members that are among the executions: versions have no index of these."""
    if not any(kind == "version" for held in edges.values() for _, kind, _ in held):
        return {}
    members = "SELECT member_id FROM execution WHERE id > ? AND id <= ? AND member_id IS NOT NULL"
    sql = (
        "SELECT execution_id, metrics, artifact, format FROM version "
        f"WHERE member_id IN ({members}) AND execution_id > ? AND execution_id <= ?"
    )
    return {id: Made(*row) for id, *row in execute(conn, sql, (low, high, low, high))}


def _draft(found: Span, ran: Ran) -> Draft:
    call, made = found.calls.get(ran.id), found.made.get(ran.id)
    parameters, measured = from_json(ran.parameters), from_json(ran.metrics)
    owner = call.actor if call else found.code.actor(ran.bundle)
    tags = {
        "argosy.kind": ran.kind, "argosy.subject": ran.subject, "argosy.key": ran.key, USER: owner,
        **found.code.tags(ran.bundle, ran.started), **_parent(ran, call),
    }  # fmt: skip
    if ran.outcome not in runs.STATUSES:
        tags["argosy.outcome"] = ran.outcome
    if ran.reason:
        tags[NOTE] = ran.reason
    for direction, kind, reference in found.edges.get(ran.id, ()):
        if direction == OUT and kind in ("version", "dataset"):
            tags["argosy.version"] = reference
    costs = {"cpu_s": ran.cpu_s, "wall_s": ran.wall_s, "peak_bytes": ran.peak_bytes}
    return Draft(
        naming.of_execution(ran.id), _experiment(ran, call), _name(ran, call),
        runs.FAILED if ran.outcome == FAILED else runs.SUCCEEDED, ran.started, ran.ended, owner, ran.id,
        metrics=flat.numbers({**(from_json(made.metrics) if made else {}), **measured, **costs}),
        parameters=flat.texts(_parameters(ran, parameters)), tags=tags, inputs=found.inputs(ran.id),
        files=[*_files(found, ran, parameters)],
    )  # fmt: skip


def _experiment(ran: Ran, call: Call | None) -> str:
    if ran.kind == _STEP:
        return call.pipeline if call else ran.subject.partition("/")[0]
    return ran.trains or ACTOR


def _parent(ran: Ran, call: Call | None) -> dict[str, str]:
    if call is not None:
        return {runs.PARENT_TAG: naming.of_pipeline(call.run_id)}
    return {runs.PARENT_TAG: naming.of_training(ran.trains, ran.started)} if ran.trains else {}


def _name(ran: Ran, call: Call | None) -> str:
    if call is not None:
        return call.node if call.element < 0 else f"{call.node}[{call.element}]"
    if ran.kind == _TRAIN and ran.fleet is not None:
        return ran.member or ran.fleet
    return f"{ran.kind} {ran.subject}"


def _parameters(ran: Ran, given: dict[str, Any]) -> dict[str, Any]:
    """What was chosen, without what is told elsewhere: outputs, and the parts of the key."""
    if ran.kind == _STEP:
        arguments = {name: _argument(value) for name, value in given.get("arguments", {}).items()}
        return {**arguments, **given.get("logged", {})}
    if ran.kind == _TRAIN:
        candidate = {"candidate": given["candidate"]} if "candidate" in given else {}
        return {**given.get("settings", {}), **candidate}
    return given


def _argument(told: Any) -> Any:
    """A value, or else what content was given in its place."""
    return told.get("value", told.get("content", told)) if isinstance(told, dict) else told


def _files(found: Span, ran: Ran, parameters: dict[str, Any]) -> Iterator[tuple[str, str]]:
    made = found.made.get(ran.id)
    if made is not None:
        yield _MODELS.get(made.format, f"model.{made.format}"), made.artifact
    for direction, kind, reference in found.edges.get(ran.id, ()):
        if direction == OUT and kind == "log":
            yield "log.txt", reference
    outputs = parameters.get("outputs", []) if ran.kind == _STEP else []
    left = _FILES
    for place, output in enumerate(outputs, 1):
        for name, digest in _leaves(output, f"output{place}" if len(outputs) > 1 else "output"):
            if not left:
                return
            left -= 1
            yield name, digest


def _leaves(written: Any, name: str) -> Iterator[tuple[str, str]]:
    """Name and digest of each artifact within an output, as a step's outputs are written in its parameters."""
    if isinstance(written, dict):
        for place, each in enumerate(written["items"]):
            yield from _leaves(each, f"{name}/{place}")
    elif written is not None:
        format, digest = written
        yield f"{name}.{format}", digest
