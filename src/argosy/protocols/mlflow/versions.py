"""Versions of registered models: added, found, described, moved between stages, tagged and deleted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from sqlalchemy import Connection

from argosy.errors import UnknownError
from argosy.protocols.mlflow import limit, registry, source, wire
from argosy.protocols.mlflow.endpoint import Endpoint, Request
from argosy.protocols.mlflow.fault import INVALID, Fault
from argosy.protocols.mlflow.registry import OfVersion
from argosy.protocols.mlflow.wire import Tag
from argosy.store.models import aliases, search, versions
from argosy.store.models.versions import PRODUCTION, STAGING, Version
from argosy.store.tracking import clause, labels
from argosy.store.tracking.changes import VERSION, Hand
from argosy.store.tracking.grammar import VERSIONS

USUAL, MOST = 10_000, 200_000
_OF = ("name", "version")


class Create(Request, kw_only=True):
    """model-versions/create."""

    name: str | None = None
    source: str | None = None
    run_id: str | None = None
    model_id: str | None = None
    description: str | None = None
    tags: list[Tag] | None = None


class Describe(OfVersion, kw_only=True):
    """model-versions/update."""

    description: str | None = None


class Move(OfVersion, kw_only=True):
    """model-versions/transition-stage."""

    stage: str | None = None
    archive_existing_versions: bool | None = None


class SetTag(OfVersion, kw_only=True):
    """model-versions/set-tag, and without a value delete-tag."""

    key: str | None = None
    value: str | None = None


class Search(Request, kw_only=True):
    """model-versions/search, and registered-models/search."""

    filter: str | None = None
    max_results: int | None = None
    order_by: list[str] | None = None
    page_token: str | None = None


def create(tx: Connection, hand: Hand, request: Create) -> dict[str, Any]:
    """Add one, whose files lie where its source says."""
    registry.named(request.name)
    tags = checked(request.tags)
    prompt = tags.get(search.PROMPT, "").lower() == "true"
    origin = source.of(tx, request.source or "", request.run_id, request.model_id, prompt=prompt)
    made = versions.create(
        tx, registry.of(tx, request.name), origin.source, hand, location=origin.location, run=origin.run,
        logged=origin.logged, description=described(request.description), tags=tags,
    )  # fmt: skip
    return {"model_version": _shown(made, tags, ())}


def get(conn: Connection, request: OfVersion) -> dict[str, Any]:
    """One."""
    return _told(conn, registry.version(conn, request))


def location(conn: Connection, request: OfVersion) -> dict[str, Any]:
    """Where its files lie."""
    return {"artifact_uri": registry.version(conn, request).location}


def find(conn: Connection, request: Search) -> dict[str, Any]:
    """Those that a filter describes, in order."""
    found = search.of_versions(
        conn, clause.parse(request.filter or "", VERSIONS), clause.orders(request.order_by or (), VERSIONS),
        limit=limit.page(request.max_results, USUAL, MOST), token=request.page_token or None,
    )  # fmt: skip
    return wire.filled({"model_versions": told(conn, found.items), "next_page_token": found.next})


def describe(tx: Connection, hand: Hand, request: Describe) -> dict[str, Any]:
    """Another description."""
    found = registry.version(tx, request)
    return _told(tx, versions.describe(tx, found, described(request.description), hand))


def move(tx: Connection, hand: Hand, request: Move) -> dict[str, Any]:
    """Another stage; the others that are there may be archived."""
    stage, archive = registry.stage(request.stage), bool(request.archive_existing_versions)
    if archive and stage not in (STAGING, PRODUCTION):
        raise Fault(
            INVALID,
            f"Model version transition cannot archive existing model versions because '{stage}' is not an Active "
            f"stage. Valid stages are {[STAGING, PRODUCTION]}",
        )
    return _told(tx, versions.move(tx, registry.version(tx, request), stage, hand, archive=archive))


def delete(tx: Connection, hand: Hand, request: OfVersion) -> None:
    """Into the trash."""
    versions.delete(tx, registry.version(tx, request), hand)


def set_tag(tx: Connection, hand: Hand, request: SetTag) -> None:
    """A tag."""
    tags = checked([Tag(request.key or "", request.value or "")])
    labels.put(tx, VERSION, registry.version(tx, request).entity, tags, hand)


def delete_tag(tx: Connection, hand: Hand, request: SetTag) -> None:
    """No tag any more; one that is not there is not missed."""
    found = registry.version(tx, request)
    with suppress(UnknownError):
        labels.remove(tx, VERSION, found.entity, limit.key(request.key or "", "key"), hand)


def checked(tags: Sequence[Tag] | None) -> dict[str, str]:
    """Tags of a registered model or a version. Raises Fault."""
    length = limit.length
    return {limit.key(each.key, "key"): length(each.value, limit.REGISTRY_TAG, "value") for each in tags or ()}


def described(text: str | None) -> str:
    """A description. Raises Fault."""
    return limit.length(text or "", limit.REGISTRY_TAG, "description")


def told(conn: Connection, found: Sequence[Version]) -> list[dict[str, Any]]:
    """Versions with their tags and aliases; two queries."""
    tags = labels.of(conn, VERSION, [each.entity for each in found])
    pointing: dict[tuple[int, int], list[str]] = {}
    for model_id, known in aliases.of(conn, {each.model_id for each in found}).items():
        for alias, number in known.items():
            pointing.setdefault((model_id, number), []).append(alias)
    return [_shown(each, tags.get(each.entity, {}), pointing.get((each.model_id, each.number), ())) for each in found]


def _shown(version: Version, tags: Mapping[str, str], aliases: Sequence[str]) -> dict[str, Any]:
    return wire.filled({
        "name": version.name, "version": str(version.number), "creation_timestamp": limit.milliseconds(version.at),
        "last_updated_timestamp": limit.milliseconds(version.updated_at), "user_id": version.owner or None,
        "current_stage": version.stage, "description": version.description or None, "source": version.source,
        "run_id": version.run, "status": "READY", "tags": wire.pairs(tags), "aliases": aliases or None,
    })  # fmt: skip


def _told(conn: Connection, found: Version) -> dict[str, Any]:
    return {"model_version": told(conn, [found])[0]}


ENDPOINTS = [
    Endpoint("POST", "model-versions/create", Create, create, needs=("name", "source"), writes=True),
    Endpoint("GET", "model-versions/get", OfVersion, get, needs=_OF),
    Endpoint("GET", "model-versions/get-download-uri", OfVersion, location, needs=_OF),
    Endpoint("GET", "model-versions/search", Search, find),
    Endpoint("PATCH", "model-versions/update", Describe, describe, needs=_OF, writes=True),
    Endpoint("POST", "model-versions/transition-stage", Move, move, needs=(*_OF, "stage"), writes=True),
    Endpoint("DELETE", "model-versions/delete", OfVersion, delete, needs=_OF, writes=True),
    Endpoint("POST", "model-versions/set-tag", SetTag, set_tag, needs=(*_OF, "key"), writes=True),
    Endpoint("DELETE", "model-versions/delete-tag", SetTag, delete_tag, needs=(*_OF, "key"), writes=True),
]
