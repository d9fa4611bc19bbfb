"""Bundles: a project's code by its content; how often and from which commits it was applied, `applications` tells."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection

from argosy.store import schema
from argosy.store.rows import Row, among, columns, fetch, insert

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


def add(tx: Connection, bundle: Bundle) -> None:
    """Record a bundle; one that is already there stays as it was first recorded."""
    insert(tx, _TABLE, [bundle], ignore=True)


def get(conn: Connection, digest: str) -> Bundle | None:
    """The bundle of a digest."""
    return some(conn, [digest]).get(digest)


def some(conn: Connection, digests: Iterable[str]) -> dict[str, Bundle]:
    """The bundles of some digests."""
    found = fetch(conn, columns(_TABLE, Bundle).where(among(_TABLE.c.digest, digests)), Bundle)
    return {each.digest: each for each in found}
