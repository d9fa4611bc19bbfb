"""Runs: begun, changed, tagged, found, deleted and restored."""

from __future__ import annotations

import secrets
from typing import Any

import msgspec
from sqlalchemy import Connection

from argosy.protocols.mlflow import limit, wire
from argosy.protocols.mlflow.body import UNREAD
from argosy.protocols.mlflow.endpoint import Endpoint, OfRun, Request
from argosy.protocols.mlflow.experiments import VIEWS, number
from argosy.protocols.mlflow.fault import INVALID, Fault, invalid
from argosy.protocols.mlflow.wire import Tag
from argosy.store.codec import EPOCH
from argosy.store.tracking import clause, experiments, runs, search, texts
from argosy.store.tracking.changes import Hand
from argosy.store.tracking.ended import STATUSES, record
from argosy.store.tracking.grammar import RUNS
from argosy.store.tracking.runs import NAME_TAG

_USUAL = 1000
_TOLD = ("run_id", "artifact_path", "utc_time_created", "flavors", "model_uuid")
_HISTORY = "mlflow.log-model.history"
_NUMBERED = dict(enumerate(("RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED"), 1))


class Create(Request, kw_only=True):
    """runs/create."""

    experiment_id: str | None = None
    user_id: str | None = None
    run_name: str | None = None
    start_time: int | None = None
    tags: list[Tag] | None = None


class Update(OfRun, kw_only=True):
    """runs/update."""

    status: str | int | None = None
    end_time: int | None = None
    run_name: str | None = None


class SetTag(OfRun, kw_only=True):
    """runs/set-tag, and without a value delete-tag."""

    key: str | None = None
    value: str | None = None


class LogModel(OfRun, kw_only=True):
    """runs/log-model, of clients before 3."""

    model_json: str | None = None


class Search(Request, kw_only=True):
    """runs/search."""

    experiment_ids: list[str] | None = None
    filter: str | None = None
    run_view_type: str | int | None = None
    max_results: int | None = None
    order_by: list[str] | None = None
    page_token: str | None = None


def create(tx: Connection, hand: Hand, request: Create) -> dict[str, Any]:
    """Begin a run; one without a name is given one."""
    tags = {each.key: limit.clipped(each.value, limit.TAG, "value") for each in request.tags or ()}
    for key in tags:
        limit.key(key, "key")
    tagged = tags.get(NAME_TAG)
    if request.run_name and tagged and request.run_name != tagged:
        raise Fault(
            INVALID,
            "Both 'run_name' argument and 'mlflow.runName' tag are specified, but with different values "
            f"(run_name='{request.run_name[:200]}', mlflow.runName='{tagged[:200]}').",
        )
    name = request.run_name or tagged or f"run-{secrets.token_hex(4)}"
    limit.length(name, limit.TAG, "run_name")
    start = limit.moment(request.start_time, "start_time") or EPOCH
    owner = limit.length(request.user_id or "", limit.USER, "user_id")
    found = experiments.active(tx, number(request.experiment_id))
    made = runs.begin(tx, found.id, name, start, hand, owner=owner, tags=tags)
    data = {"tags": wire.pairs(tags if NAME_TAG in tags else {**tags, NAME_TAG: name})}
    return {"run": {"info": wire.info(made, found.location), "data": data, "inputs": {}}}


def update(tx: Connection, hand: Hand, request: Update) -> dict[str, Any]:
    """Another status, end or name. A run that ends is an execution, once more where it was another when it ended."""
    found = runs.writable(tx, request.run)
    status = _NUMBERED.get(request.status) if isinstance(request.status, int) else request.status
    if request.status is not None and status not in wire.STATUSES:
        raise invalid("status", request.status, f"It must be one of {', '.join(wire.STATUSES)}.")
    ended, name = (
        limit.moment(request.end_time, "end_time"),
        limit.length(request.run_name or "", limit.TAG, "run_name"),
    )
    ours = wire.STATUSES[status] if status is not None else None
    new = runs.change(tx, found, hand, status=ours, ended_at=ended, name=name or None)
    if ours in STATUSES and (new != found or runs.execution(tx, new.id) is None):
        record(tx, new, hand)
    return {"run_info": wire.info(new, experiments.get(tx, new.experiment_id).location)}


def get(conn: Connection, request: OfRun) -> dict[str, Any]:
    """One run, whole."""
    return {"run": wire.all_runs(conn, [runs.get(conn, request.run)], inward=True)[0]}


def find(conn: Connection, request: Search) -> dict[str, Any]:
    """Those that a filter describes, in order."""
    if request.run_view_type not in VIEWS:
        raise invalid("run_view_type", request.run_view_type)
    ids = [number(id) for id in request.experiment_ids or ()]
    found = search.page(
        conn, ids, clause.parse(request.filter or "", RUNS), clause.orders(request.order_by or (), RUNS),
        view=VIEWS[request.run_view_type], limit=limit.page(request.max_results, _USUAL),
        token=request.page_token or None,
    )  # fmt: skip
    known = runs.some(conn, found.ids)
    listed = wire.all_runs(conn, [known[id] for id in found.ids])
    return wire.filled({"runs": listed, "next_page_token": found.next})


def delete(tx: Connection, hand: Hand, request: OfRun) -> None:
    """Into the trash."""
    runs.delete(tx, request.run, hand)


def restore(tx: Connection, hand: Hand, request: OfRun) -> None:
    """Out of the trash."""
    runs.restore(tx, request.run, hand)


def set_tag(tx: Connection, hand: Hand, request: SetTag) -> None:
    """A tag; that of the name renames the run."""
    key = limit.key(request.key or "", "key")
    value = limit.clipped(request.value or "", limit.TAG, "value")
    runs.set_tags(tx, runs.active(tx, request.run), {key: value}, hand)


def delete_tag(tx: Connection, hand: Hand, request: SetTag) -> None:
    """No tag any more."""
    found = runs.active(tx, request.run)
    texts.remove(tx, found.id, request.key or "", hand, found.run)


def log_model(tx: Connection, hand: Hand, request: LogModel) -> None:
    """A model in the words of clients before 3: it is told of in a tag of the run."""
    try:
        model = msgspec.json.decode(request.model_json or "")
    except UNREAD:
        raise Fault(INVALID, "Malformed model info: 'model_json' is not a valid JSON.") from None
    absent = {"artifact_path", "flavors", "utc_time_created", "run_id"} - set(model if isinstance(model, dict) else ())
    if absent:
        raise Fault(INVALID, f"Model json is missing mandatory fields: {sorted(absent)}")
    found = runs.active(tx, request.run)
    past = texts.of(tx, texts.TAG, [found.id], [_HISTORY]).get(found.id, {}).get(_HISTORY, "[]")
    try:
        before = msgspec.json.decode(past, type=list[Any])
    except UNREAD:
        raise Fault(INVALID, f"tag {_HISTORY} of run {found.run} is no JSON list of models; delete it") from None
    text = msgspec.json.encode([*before, {name: model[name] for name in _TOLD if name in model}]).decode()
    runs.set_tags(tx, found, {_HISTORY: limit.length(text, 10 * limit.TAG, "model_json")}, hand)


ENDPOINTS = [
    Endpoint("POST", "runs/create", Create, create, writes=True),
    Endpoint("POST", "runs/update", Update, update, needs=("run_id",), writes=True),
    Endpoint("GET", "runs/get", OfRun, get, needs=("run_id",)),
    Endpoint("POST", "runs/search", Search, find),
    Endpoint("POST", "runs/delete", OfRun, delete, needs=("run_id",), writes=True),
    Endpoint("POST", "runs/restore", OfRun, restore, needs=("run_id",), writes=True),
    Endpoint("POST", "runs/set-tag", SetTag, set_tag, needs=("run_id", "key"), writes=True),
    Endpoint("POST", "runs/delete-tag", SetTag, delete_tag, needs=("run_id", "key"), writes=True),
    Endpoint("POST", "runs/log-model", LogModel, log_model, needs=("run_id", "model_json"), writes=True),
]
