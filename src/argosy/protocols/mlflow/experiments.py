"""Experiments: made, found, renamed, tagged, deleted and restored."""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import Connection

from argosy.protocols.mlflow import limit, wire
from argosy.protocols.mlflow.endpoint import Endpoint, Request
from argosy.protocols.mlflow.fault import INVALID, UNKNOWN, Fault, invalid
from argosy.protocols.mlflow.wire import Tag
from argosy.store.tracking import clause, experiments, gallery, labels, search
from argosy.store.tracking.changes import EXPERIMENT, Hand
from argosy.store.tracking.grammar import EXPERIMENTS

VIEWS = {
    None: search.ACTIVE, 1: search.ACTIVE, 2: search.DELETED, 3: search.ALL, "ACTIVE_ONLY": search.ACTIVE,
    "DELETED_ONLY": search.DELETED, "ALL": search.ALL, "1": search.ACTIVE, "2": search.DELETED, "3": search.ALL,
}  # fmt: skip
_USUAL = 1000


class Create(Request, kw_only=True):
    """experiments/create."""

    name: str | None = None
    artifact_location: str | None = None
    tags: list[Tag] | None = None


class OfExperiment(Request, kw_only=True):
    """A request about one experiment."""

    experiment_id: str | None = None


class Named(Request, kw_only=True):
    """experiments/get-by-name."""

    experiment_name: str | None = None


class Rename(OfExperiment, kw_only=True):
    """experiments/update."""

    new_name: str | None = None


class SetTag(OfExperiment, kw_only=True):
    """experiments/set-experiment-tag, and without a value delete-experiment-tag."""

    key: str | None = None
    value: str | None = None


class Search(Request, kw_only=True):
    """experiments/search."""

    max_results: int | None = None
    page_token: str | None = None
    filter: str | None = None
    order_by: list[str] | None = None
    view_type: int | str | None = None


def number(id: str | None) -> int:
    """The id that a text holds. Raises Fault."""
    text = id or "0"
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) < 19):
        raise Fault(INVALID, f"Invalid experiment ID '{text[:100]}'. Experiment ID must be a valid integer.")
    return int(text)


def create(tx: Connection, hand: Hand, request: Create) -> dict[str, str]:
    """Make one; its artifacts lie on this server unless it names another place."""
    name, location = _name(request.name, "name"), request.artifact_location or ""
    if re.search(r"^runs:|[\0#;]|(^|/)\.\.(/|$)", location):
        raise invalid("artifact_location", location, "It must be where artifacts can lie, without '..', '#' and ';'.")
    tags = {each.key: each.value for each in request.tags or ()}
    for key, value in tags.items():
        _check(key, value)
    return {"experiment_id": str(experiments.create(tx, name, hand, location, tags))}


def get(conn: Connection, request: OfExperiment) -> dict[str, Any]:
    """One by its id, deleted or not."""
    found = experiments.get(conn, number(request.experiment_id))
    return {"experiment": wire.all_experiments(conn, [found])[0]}


def by_name(conn: Connection, request: Named) -> dict[str, Any]:
    """One by its name, unless it is deleted: its name is free then."""
    found = experiments.find(conn, request.experiment_name or "")
    if found is None:
        raise Fault(UNKNOWN, f"Could not find experiment with name '{(request.experiment_name or '')[:600]}'")
    return {"experiment": wire.all_experiments(conn, [found])[0]}


def find(conn: Connection, request: Search) -> dict[str, Any]:
    """Those that a filter describes."""
    if request.view_type not in VIEWS:
        raise invalid("view_type", request.view_type)
    found = gallery.page(
        conn, clause.parse(request.filter or "", EXPERIMENTS), clause.orders(request.order_by or (), EXPERIMENTS),
        view=VIEWS[request.view_type], limit=limit.page(request.max_results, _USUAL), token=request.page_token,
    )  # fmt: skip
    return wire.filled({"experiments": wire.all_experiments(conn, found.items), "next_page_token": found.next})


def delete(tx: Connection, hand: Hand, request: OfExperiment) -> None:
    """Into the trash, with its runs."""
    experiments.delete(tx, number(request.experiment_id), hand)


def restore(tx: Connection, hand: Hand, request: OfExperiment) -> None:
    """Out of the trash."""
    experiments.restore(tx, number(request.experiment_id), hand)


def rename(tx: Connection, hand: Hand, request: Rename) -> None:
    """Another name."""
    experiments.rename(tx, number(request.experiment_id), _name(request.new_name, "new_name"), hand)


def set_tag(tx: Connection, hand: Hand, request: SetTag) -> None:
    """A tag."""
    key, value = request.key or "", request.value or ""
    _check(key, value)
    experiments.set_tags(tx, number(request.experiment_id), {key: value}, hand)


def delete_tag(tx: Connection, hand: Hand, request: SetTag) -> None:
    """No tag any more."""
    found = experiments.active(tx, number(request.experiment_id))
    labels.remove(tx, EXPERIMENT, str(found.id), request.key or "", hand)


def _name(text: str | None, path: str) -> str:
    if not (text or "").strip():
        raise Fault(INVALID, f"Invalid experiment name: {text!r}")
    return limit.length(text or "", limit.EXPERIMENT, path)


def _check(key: str, value: str) -> None:
    limit.key(key, "key")
    limit.length(value, limit.EXPERIMENT_TAG, "value")


ENDPOINTS = [
    Endpoint("POST", "experiments/create", Create, create, needs=("name",), writes=True),
    Endpoint("GET", "experiments/get", OfExperiment, get, needs=("experiment_id",)),
    Endpoint("GET", "experiments/get-by-name", Named, by_name, needs=("experiment_name",)),
    Endpoint("POST", "experiments/search", Search, find),
    Endpoint("GET", "experiments/search", Search, find),
    Endpoint("POST", "experiments/delete", OfExperiment, delete, needs=("experiment_id",), writes=True),
    Endpoint("POST", "experiments/restore", OfExperiment, restore, needs=("experiment_id",), writes=True),
    Endpoint("POST", "experiments/update", Rename, rename, needs=("experiment_id", "new_name"), writes=True),
    Endpoint("POST", "experiments/set-experiment-tag", SetTag, set_tag, needs=("experiment_id", "key"), writes=True),
    Endpoint(
        "POST", "experiments/delete-experiment-tag", SetTag, delete_tag, needs=("experiment_id", "key"), writes=True
    ),
]
