"""Registered models: the list, and one with its versions."""

from __future__ import annotations

from datetime import datetime

import msgspec
from sqlalchemy import Connection

from argosy.console import experiments, links
from argosy.console.page import Page
from argosy.store.models import aliases, registered, search, versions
from argosy.store.models.registered import Registered
from argosy.store.tracking import history, labels
from argosy.store.tracking.changes import MODEL, VERSION, Past
from argosy.store.tracking.clause import Clause, Order
from argosy.store.tracking.grammar import MODELS

SIZE = 50
"""Models, and versions, on a page."""
_CHANGES = 60


class Entry(msgspec.Struct, frozen=True):
    """A model in the list: the number of its last version, and those that its aliases point at."""

    name: str
    description: str
    last: int
    aliases: dict[str, int]
    stages: dict[str, int]
    updated_at: datetime


class ModelsPage(msgspec.Struct, frozen=True):
    """What the list shows; `error` is what is wrong with `where`."""

    where: str
    models: tuple[Entry, ...]
    cursor: str | None
    next: str | None
    error: str = ""


class Edition(msgspec.Struct, frozen=True):
    """A version of a model, with the aliases that point at it."""

    number: int
    description: str
    stage: str
    aliases: tuple[str, ...]
    tags: dict[str, str]
    run: str | None
    logged: str | None
    source: str
    owner: str
    at: datetime


class ModelPage(msgspec.Struct, frozen=True, kw_only=True):
    """What the page of a model shows: its versions, the newest first, and its last changes, which are of these too."""

    name: str
    description: str
    at: datetime
    last: int
    aliases: dict[str, int]
    tags: dict[str, str]
    versions: tuple[Edition, ...]
    changes: tuple[Past, ...]
    cursor: str | None
    next: str | None


def index(conn: Connection, now: datetime, *, where: str = "", cursor: str | None = None) -> Page:
    """The models that meet a filter, or whose names hold a text, by name. Raises UsageError."""
    found = search.models(conn, experiments.clauses(where, MODELS), limit=SIZE, token=cursor)
    ids = [each.id for each in found.items]
    pointed, staged = aliases.of(conn, ids), versions.latest(conn, ids)
    data = ModelsPage(
        where,
        tuple(
            Entry(
                each.name, each.description, each.versions, pointed.get(each.id, {}),
                {one.stage: one.number for one in staged.get(each.id, ()) if one.stage != versions.NONE},
                each.updated_at,
            )
            for each in found.items
        ),
        cursor, found.next,
    )  # fmt: skip
    return Page("Models", "models.html", data, now, here="models", results="models-results.html")


def page(conn: Connection, name: str, now: datetime, *, cursor: str | None = None) -> Page:
    """One model. Raises UnknownError."""
    data = read(conn, registered.get(conn, name), cursor)
    crumbs = (("models", links.models()), (name, None))
    return Page(name, "model.html", data, now, trail=crumbs, here="models", command=f"argosy history model {name}")


def read(conn: Connection, model: Registered, cursor: str | None = None) -> ModelPage:
    """The snapshot of the page of a model; a constant number of queries."""
    mine, downwards = (
        Clause("attribute", "name", "=", model.name),
        Order("attribute", "version_number", ascending=False),
    )
    found = search.of_versions(conn, [mine], [downwards], limit=SIZE, token=cursor)
    pointed = aliases.of(conn, [model.id]).get(model.id, {})
    tags = labels.of(conn, VERSION, [each.entity for each in found.items])
    editions = tuple(
        Edition(
            each.number, each.description, each.stage, tuple(name for name, at in pointed.items() if at == each.number),
            tags.get(each.entity, {}), each.run, each.logged, each.source, each.owner, each.at,
        )
        for each in found.items
    )  # fmt: skip
    return ModelPage(
        name=model.name, description=model.description, at=model.at, last=model.versions, aliases=pointed,
        tags=labels.of(conn, MODEL, [model.entity]).get(model.entity, {}), versions=editions,
        changes=tuple(history.of_model(conn, model.id, _CHANGES)), cursor=cursor, next=found.next,
    )  # fmt: skip
