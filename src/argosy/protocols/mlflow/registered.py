"""Registered models: made, found, renamed, described, tagged, deleted; and the aliases of their versions."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from sqlalchemy import Connection

from argosy.errors import UnknownError
from argosy.protocols.mlflow import limit, registry, versions, wire
from argosy.protocols.mlflow.endpoint import Endpoint, Request
from argosy.protocols.mlflow.registry import OfModel, OfVersion
from argosy.protocols.mlflow.versions import Search
from argosy.protocols.mlflow.wire import Tag
from argosy.store.models import aliases, registered, search
from argosy.store.models import versions as kept
from argosy.store.models.registered import Registered
from argosy.store.tracking import clause, labels
from argosy.store.tracking.changes import MODEL, Hand
from argosy.store.tracking.grammar import MODELS

USUAL, MOST = 100, 1000


class Create(Request, kw_only=True):
    """registered-models/create."""

    name: str | None = None
    description: str | None = None
    tags: list[Tag] | None = None


class Rename(OfModel, kw_only=True):
    """registered-models/rename."""

    new_name: str | None = None


class Describe(OfModel, kw_only=True):
    """registered-models/update."""

    description: str | None = None


class Latest(OfModel, kw_only=True):
    """registered-models/get-latest-versions."""

    stages: list[str] | None = None


class SetTag(OfModel, kw_only=True):
    """registered-models/set-tag, and without a value delete-tag."""

    key: str | None = None
    value: str | None = None


class OfAlias(OfVersion, kw_only=True):
    """registered-models/alias, with a version to set one."""

    alias: str | None = None


def create(tx: Connection, hand: Hand, request: Create) -> dict[str, Any]:
    """Take a name."""
    name, description = registry.named(request.name), versions.described(request.description)
    return _told(tx, registered.create(tx, name, hand, description, versions.checked(request.tags)))


def get(conn: Connection, request: OfModel) -> dict[str, Any]:
    """One, with its latest versions."""
    return _told(conn, registry.of(conn, request.name))


def find(conn: Connection, request: Search) -> dict[str, Any]:
    """Those that a filter describes, in order."""
    found = search.models(
        conn, clause.parse(request.filter or "", MODELS), clause.orders(request.order_by or (), MODELS),
        limit=limit.page(request.max_results, USUAL, MOST), token=request.page_token or None,
    )  # fmt: skip
    return wire.filled({"registered_models": told(conn, found.items), "next_page_token": found.next})


def latest(conn: Connection, request: Latest) -> dict[str, Any]:
    """The latest version at each of some stages, or at every stage."""
    stages = {registry.stage(each) for each in request.stages or kept.STAGES}
    model = registry.of(conn, request.name)
    found = [each for each in kept.latest(conn, [model.id]).get(model.id, []) if each.stage in stages]
    return wire.filled({"model_versions": versions.told(conn, found)})


def rename(tx: Connection, hand: Hand, request: Rename) -> dict[str, Any]:
    """Another name."""
    name = registry.named(request.new_name, "new_name")
    return _told(tx, registered.rename(tx, registry.of(tx, request.name), name, hand))


def describe(tx: Connection, hand: Hand, request: Describe) -> dict[str, Any]:
    """Another description."""
    description = versions.described(request.description)
    return _told(tx, registered.describe(tx, registry.of(tx, request.name), description, hand))


def delete(tx: Connection, hand: Hand, request: OfModel) -> None:
    """Into the trash, with its versions."""
    registered.delete(tx, registry.of(tx, request.name), hand)


def set_tag(tx: Connection, hand: Hand, request: SetTag) -> None:
    """A tag."""
    tags = versions.checked([Tag(request.key or "", request.value or "")])
    labels.put(tx, MODEL, registry.of(tx, request.name).entity, tags, hand)


def delete_tag(tx: Connection, hand: Hand, request: SetTag) -> None:
    """No tag any more; one that is not there is not missed."""
    found = registry.of(tx, request.name)
    with suppress(UnknownError):
        labels.remove(tx, MODEL, found.entity, limit.key(request.key or "", "key"), hand)


def set_alias(tx: Connection, hand: Hand, request: OfAlias) -> None:
    """Have an alias point at a version."""
    alias, model = registry.called(request.alias, new=True), registry.of(tx, request.name)
    aliases.put(tx, model, alias, kept.get(tx, model, registry.number(request.version)).number, hand)


def delete_alias(tx: Connection, hand: Hand, request: OfAlias) -> None:
    """Have an alias point at nothing; one that is not there is not missed."""
    alias = registry.called(request.alias)
    aliases.remove(tx, registry.of(tx, request.name), alias, hand)


def by_alias(conn: Connection, request: OfAlias) -> dict[str, Any]:
    """The version that an alias points at."""
    alias = registry.called(request.alias)
    found = registry.aliased(conn, registry.of(conn, request.name), alias)
    return {"model_version": versions.told(conn, [found])[0]}


def told(conn: Connection, found: Sequence[Registered]) -> list[dict[str, Any]]:
    """Registered models with their tags, aliases and latest versions; a constant number of queries."""
    ids = [each.id for each in found]
    tags, pointing = labels.of(conn, MODEL, [each.entity for each in found]), aliases.of(conn, ids)
    newest = kept.latest(conn, ids)
    each_told = iter(versions.told(conn, [each for id in ids for each in newest.get(id, [])]))
    return [
        wire.filled({
            "name": each.name, "creation_timestamp": limit.milliseconds(each.at),
            "last_updated_timestamp": limit.milliseconds(each.updated_at), "description": each.description or None,
            "latest_versions": [next(each_told) for _ in newest.get(each.id, [])],
            "tags": wire.pairs(tags.get(each.entity, {})),
            "aliases": [
                {"alias": alias, "version": str(number)} for alias, number in pointing.get(each.id, {}).items()
            ],
        })
        for each in found
    ]  # fmt: skip


def _told(conn: Connection, found: Registered) -> dict[str, Any]:
    return {"registered_model": told(conn, [found])[0]}


_TAG, _ALIAS = ("name", "key"), ("name", "alias")
ENDPOINTS = [
    Endpoint("POST", "registered-models/create", Create, create, needs=("name",), writes=True),
    Endpoint("GET", "registered-models/get", OfModel, get, needs=("name",)),
    Endpoint("GET", "registered-models/search", Search, find),
    Endpoint("GET", "registered-models/get-latest-versions", Latest, latest, needs=("name",)),
    Endpoint("POST", "registered-models/get-latest-versions", Latest, latest, needs=("name",)),
    Endpoint("POST", "registered-models/rename", Rename, rename, needs=("name", "new_name"), writes=True),
    Endpoint("PATCH", "registered-models/update", Describe, describe, needs=("name",), writes=True),
    Endpoint("DELETE", "registered-models/delete", OfModel, delete, needs=("name",), writes=True),
    Endpoint("POST", "registered-models/set-tag", SetTag, set_tag, needs=_TAG, writes=True),
    Endpoint("DELETE", "registered-models/delete-tag", SetTag, delete_tag, needs=_TAG, writes=True),
    Endpoint("POST", "registered-models/alias", OfAlias, set_alias, needs=(*_ALIAS, "version"), writes=True),
    Endpoint("DELETE", "registered-models/alias", OfAlias, delete_alias, needs=_ALIAS, writes=True),
    Endpoint("GET", "registered-models/alias", OfAlias, by_alias, needs=_ALIAS),
]
