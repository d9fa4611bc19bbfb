"""Declarations: what is wanted. The current one of a (kind, name) is the latest."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select

from argosy.store import schema
from argosy.store.rows import Row, among, columns, fetch, insert

_TABLE = schema.declaration


class NewDeclaration(Row, frozen=True, kw_only=True):
    """One declaration to record; `removed` withdraws the name."""

    kind: str
    name: str
    fingerprint: str
    body: dict[str, Any]
    at: datetime
    actor: str
    bundle: str | None = None
    reason: str = ""
    removed: bool = False


class Declaration(NewDeclaration, frozen=True, kw_only=True):
    """A recorded declaration."""

    id: int


def add(tx: Connection, declarations: Sequence[NewDeclaration]) -> list[int]:
    """Record declarations; each becomes the current one of its kind and name."""
    return insert(tx, _TABLE, declarations)


def current(conn: Connection, kind: str | None = None) -> list[Declaration]:
    """Every name's latest declaration that is not removed, by kind and name."""
    last = select(func.max(_TABLE.c.id)).group_by(_TABLE.c.kind, _TABLE.c.name)
    if kind is not None:
        last = last.where(_TABLE.c.kind == kind)
    query = columns(_TABLE, Declaration).where(_TABLE.c.id.in_(last), ~_TABLE.c.removed)
    return fetch(conn, query.order_by(_TABLE.c.kind, _TABLE.c.name), Declaration)


def standing(conn: Connection, at: datetime) -> list[Declaration]:
    """Those that were in force at a time, by kind and name."""
    c = _TABLE.c
    last = select(func.max(c.id)).where(c.at <= at).group_by(c.kind, c.name)
    query = columns(_TABLE, Declaration).where(c.id.in_(last), ~c.removed)
    return fetch(conn, query.order_by(c.kind, c.name), Declaration)


def last(conn: Connection) -> int:
    """The id of the last one that was recorded, 0 where none was: while it stays, so does all that is declared."""
    return conn.scalar(select(func.max(_TABLE.c.id))) or 0


def names(conn: Connection, kind: str) -> set[str]:
    """Every name of a kind that was ever declared, removed or not."""
    return set(conn.scalars(select(_TABLE.c.name).where(_TABLE.c.kind == kind).distinct()))


def get(conn: Connection, kind: str, name: str) -> Declaration | None:
    """The current declaration of a name; None if there is none or it was removed."""
    found = history(conn, kind, name, limit=1)
    return found[0] if found and not found[0].removed else None


def tags(conn: Connection, datasets: Iterable[str] | None = None) -> dict[str, dict[str, str]]:
    """The tags of the columns of some datasets, or of all, by their names; one that was removed keeps its last ones."""
    last = select(func.max(_TABLE.c.id)).where(_TABLE.c.kind == "dataset")
    if datasets is not None:
        last = last.where(among(_TABLE.c.name, datasets))
    query = select(_TABLE.c.name, _TABLE.c.body).where(_TABLE.c.id.in_(last.group_by(_TABLE.c.name)))
    return {name: body.get("tags", {}) for name, body in conn.execute(query)}


def history(conn: Connection, kind: str, name: str, limit: int = 100) -> list[Declaration]:
    """All declarations of a name, newest first."""
    query = columns(_TABLE, Declaration).where(_TABLE.c.kind == kind, _TABLE.c.name == name)
    return fetch(conn, query.order_by(_TABLE.c.id.desc()).limit(limit), Declaration)
