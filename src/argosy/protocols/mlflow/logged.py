"""Logged models: made, finished, tagged, found and deleted, and what lies below them."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection

from argosy.protocols.mlflow import artifacts, limit, wire
from argosy.protocols.mlflow.endpoint import Endpoint, Request
from argosy.protocols.mlflow.experiments import number
from argosy.protocols.mlflow.fault import INVALID, Fault, invalid, missing
from argosy.protocols.mlflow.wire import Tag
from argosy.store.models import logged, readings, shelf
from argosy.store.models.logged import Logged
from argosy.store.models.readings import Reading
from argosy.store.tracking import clause, experiments, grammar, labels
from argosy.store.tracking.changes import LOGGED, Hand
from argosy.store.tracking.clause import Order

_STATUSES = {
    logged.UNKNOWN: "LOGGED_MODEL_STATUS_UNSPECIFIED", logged.PENDING: "LOGGED_MODEL_PENDING",
    logged.READY: "LOGGED_MODEL_READY", logged.FAILED: "LOGGED_MODEL_UPLOAD_FAILED",
}  # fmt: skip
OURS: dict[str | int | None, str] = {
    **{theirs: ours for ours, theirs in _STATUSES.items()}, **dict(enumerate(logged.STATUSES)),
}  # fmt: skip
_BAD = "/:.%\"'"
_NAME, _VALUE, _USUAL = 500, 65_535, 50


class Create(Request, kw_only=True):
    """logged-models."""

    experiment_id: str | None = None
    name: str | None = None
    model_type: str | None = None
    source_run_id: str | None = None
    params: list[Tag] | None = None
    tags: list[Tag] | None = None


class OfModel(Request, kw_only=True):
    """A request about one logged model."""

    model_id: str | None = None
    allow_deleted: bool | None = None


class Finish(OfModel, kw_only=True):
    """PATCH logged-models/{model_id}."""

    status: str | int | None = None


class Tags(OfModel, kw_only=True):
    """logged-models/{model_id}/tags."""

    tags: list[Tag] | None = None


class OfTag(OfModel, kw_only=True):
    """logged-models/{model_id}/tags/{tag_key}."""

    tag_key: str | None = None


class Parameters(OfModel, kw_only=True):
    """logged-models/{model_id}/params."""

    params: list[Tag] | None = None


class Folder(OfModel, kw_only=True):
    """logged-models/{model_id}/artifacts/directories."""

    artifact_directory_path: str | None = None


class Data(msgspec.Struct):
    """A dataset on which metrics were measured."""

    dataset_name: str | None = None
    dataset_digest: str | None = None


class By(msgspec.Struct):
    """A field to order by; a metric may be that on a dataset."""

    field_name: str | None = None
    ascending: bool | None = None
    dataset_name: str | None = None
    dataset_digest: str | None = None


class Search(Request, kw_only=True):
    """logged-models/search."""

    experiment_ids: list[str] | None = None
    filter: str | None = None
    datasets: list[Data] | None = None
    max_results: int | None = None
    order_by: list[By] | None = None
    page_token: str | None = None


def create(tx: Connection, hand: Hand, request: Create) -> dict[str, Any]:
    """Begin one; without a name it is given one."""
    name = f"model-{secrets.token_hex(4)}" if not request.name else limit.length(request.name, _NAME, "name")
    if any(character in name for character in _BAD):
        raise Fault(
            INVALID,
            f"Invalid model name ({name!r}) provided. Model name must be a non-empty string and cannot contain the "
            f"following characters: {tuple(_BAD)}",
        )
    run = request.source_run_id or None
    made = logged.create(
        tx, number(request.experiment_id), name, hand,
        type=limit.length(request.model_type or "", _NAME, "model_type"), run=None if run is None else limit.named(run),
        parameters=_pairs(request.params, "params"), tags=_pairs(request.tags, "tags"),
    )  # fmt: skip
    return {"model": told(tx, [made])[0]}


def get(conn: Connection, request: OfModel) -> dict[str, Any]:
    """One."""
    model = request.model_id or ""
    return {"model": told(conn, [logged.get(conn, model) if request.allow_deleted else logged.active(conn, model)])[0]}


def finish(tx: Connection, hand: Hand, request: Finish) -> dict[str, Any]:
    """Another status."""
    if request.status not in OURS:
        raise invalid("status", request.status, f"It must be one of {', '.join(_STATUSES.values())}.")
    return {"model": told(tx, [logged.finish(tx, request.model_id or "", OURS[request.status], hand)])[0]}


def delete(tx: Connection, hand: Hand, request: OfModel) -> None:
    """Into the trash."""
    logged.delete(tx, request.model_id or "", hand)


def set_tags(tx: Connection, hand: Hand, request: Tags) -> None:
    """Tags."""
    logged.set_tags(tx, request.model_id or "", _pairs(request.tags, "tags"), hand)


def delete_tag(tx: Connection, hand: Hand, request: OfTag) -> None:
    """No tag any more."""
    logged.delete_tag(tx, request.model_id or "", request.tag_key or "", hand)


def set_parameters(tx: Connection, hand: Hand, request: Parameters) -> None:
    """Parameters, each written once."""
    logged.set_parameters(tx, request.model_id or "", _pairs(request.params, "params"), hand)


def listed(conn: Connection, request: Folder) -> dict[str, Any]:
    """What lies in a folder of a model."""
    root = location(conn, logged.active(conn, request.model_id or ""))
    return {"root_uri": root, **artifacts.below(conn, root, request.artifact_directory_path or "")}


def find(conn: Connection, request: Search) -> dict[str, Any]:
    """Those that a filter describes, in order."""
    data = [_data(each.dataset_name, each.dataset_digest) for each in request.datasets or ()]
    if None in data:
        raise Fault(INVALID, "`dataset_name` in the `datasets` clause must be specified.")
    found = shelf.page(
        conn, [number(id) for id in request.experiment_ids or ()],
        clause.parse(request.filter or "", grammar.LOGGED), [_by(each) for each in request.order_by or ()],
        data=[each for each in data if each is not None], limit=limit.page(request.max_results or None, _USUAL),
        token=request.page_token or None,
    )  # fmt: skip
    return wire.filled({"models": told(conn, found.items), "next_page_token": found.next})


def location(conn: Connection, found: Logged) -> str:
    """Where the files of a model lie."""
    return _root(experiments.get(conn, found.experiment_id).location, found)


def told(conn: Connection, found: Sequence[Logged]) -> list[dict[str, Any]]:
    """Models with their parameters, tags and metrics; a constant number of queries."""
    tags = labels.of(conn, LOGGED, [each.model for each in found])
    values = readings.of(conn, [each.id for each in found])
    where = experiments.some(conn, {each.experiment_id for each in found})
    return [
        {
            "info": wire.filled({
                "model_id": each.model, "experiment_id": str(each.experiment_id), "name": each.name,
                "creation_timestamp_ms": limit.milliseconds(each.at),
                "last_updated_timestamp_ms": limit.milliseconds(each.updated_at),
                "artifact_uri": _root(where[each.experiment_id].location, each), "status": _STATUSES[each.status],
                "model_type": each.type, "source_run_id": each.run or "",
                "tags": wire.pairs(tags.get(each.model, {})),
            }),
            "data": wire.filled({
                "params": wire.pairs(each.parameters), "metrics": [_metric(one) for one in values.get(each.id, ())],
            }),
        }
        for each in found
    ]  # fmt: skip


def _metric(reading: Reading) -> dict[str, Any]:
    point = reading.point
    return wire.filled({
        "key": point.key, "value": wire.number(point.value), "timestamp": point.at, "step": point.step,
        "dataset_name": reading.dataset or None, "dataset_digest": reading.digest or None,
        "model_id": reading.model, "run_id": reading.run,
    })  # fmt: skip


def _root(location: str, found: Logged) -> str:
    return f"{location.rstrip('/')}/models/{found.model}/artifacts"


def _by(given: By) -> shelf.By:
    field, ascending = given.field_name, given.ascending is not False
    if not field:
        raise missing("order_by.field_name")
    if field.startswith("metrics."):
        key = field.removeprefix("metrics.")
        return shelf.By(Order("metric", key, ascending), _data(given.dataset_name, given.dataset_digest))
    return shelf.By(Order("attribute", grammar.LOGGED.aliases.get(field, field), ascending))


def _data(name: str | None, digest: str | None) -> shelf.Data | None:
    return shelf.Data(name, digest or "") if name else None


def _pairs(given: list[Tag] | None, name: str) -> dict[str, str]:
    for place, each in enumerate(given or ()):
        if not each.key:
            raise missing(f"{name}[{place}].key")
        limit.length(each.key, limit.KEY, f"{name}[{place}].key")
        limit.length(each.value, _VALUE, f"{name}[{place}].value")
    return {each.key: each.value for each in given or ()}


ENDPOINTS = [
    Endpoint("POST", "logged-models", Create, create, needs=("experiment_id",), writes=True),
    Endpoint("POST", "logged-models/search", Search, find, needs=("experiment_ids",)),
    Endpoint("GET", "logged-models/{model_id}", OfModel, get),
    Endpoint("PATCH", "logged-models/{model_id}", Finish, finish, needs=("status",), writes=True),
    Endpoint("DELETE", "logged-models/{model_id}", OfModel, delete, writes=True),
    Endpoint("PATCH", "logged-models/{model_id}/tags", Tags, set_tags, writes=True),
    Endpoint("DELETE", "logged-models/{model_id}/tags/{tag_key}", OfTag, delete_tag, writes=True),
    Endpoint("POST", "logged-models/{model_id}/params", Parameters, set_parameters, writes=True),
    Endpoint("GET", "logged-models/{model_id}/artifacts/directories", Folder, listed),
]
