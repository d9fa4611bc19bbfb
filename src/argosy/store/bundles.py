"""Bundles: a project's code as it was when applied."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from argosy.store import schema
from argosy.store.rows import Row, columns, fetch, insert

_TABLE = schema.bundle


class Bundle(Row, frozen=True, kw_only=True):
    """`digest` addresses the archive; `libraries` and `modules` map names to versions and content hashes.

    Among the modules are the files that they read.
    """

    digest: str
    project: str
    at: datetime
    libraries: dict[str, str]
    modules: dict[str, str]
    actor: str
    git_commit: str | None = None
    dirty: bool = False


def add(tx: Connection, bundle: Bundle) -> None:
    """Record a bundle; one that is already there stays as it was first recorded."""
    insert(tx, _TABLE, [bundle], ignore=True)


def get(conn: Connection, digest: str) -> Bundle | None:
    """The bundle of a digest."""
    return next(iter(fetch(conn, columns(_TABLE, Bundle).where(_TABLE.c.digest == digest), Bundle)), None)


def latest(conn: Connection, project: str) -> Bundle | None:
    """The project's most recently applied bundle."""
    query = columns(_TABLE, Bundle).where(_TABLE.c.project == project).order_by(_TABLE.c.at.desc()).limit(1)
    return next(iter(fetch(conn, query, Bundle)), None)
