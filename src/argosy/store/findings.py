"""Findings: what checking a dataset version against its contract turned up."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, func, select

from argosy.store import schema
from argosy.store.rows import Row, among, columns, fetch, insert

_TABLE = schema.finding


class NewFinding(Row, frozen=True, kw_only=True):
    """One rule's result on one version: `rows` broke it, `examples` shows a few."""

    dataset: str
    version: int
    rule: str
    severity: str
    outcome: str
    rows: int
    message: str
    at: datetime
    column: str | None = None
    examples: list[Any] = msgspec.field(default_factory=list)


class Finding(NewFinding, frozen=True, kw_only=True):
    """A recorded finding."""

    id: int


class Repeated(msgspec.Struct, frozen=True):
    """The latest finding of a rule on a column with one outcome, found in `versions` since `first`, `rows` in all."""

    latest: Finding
    versions: int
    first: int
    rows: int


def add(tx: Connection, findings: Sequence[NewFinding]) -> list[int]:
    """Record findings."""
    return insert(tx, _TABLE, findings)


def of(conn: Connection, dataset: str, version: int) -> list[Finding]:
    """The findings of a version, in the order they were recorded."""
    c = _TABLE.c
    query = columns(_TABLE, Finding).where(c.dataset == dataset, c.version == version).order_by(c.id)
    return fetch(conn, query, Finding)


def repeated(conn: Connection, dataset: str) -> list[Repeated]:
    """The findings of all versions of a dataset, those alike as one, that of the latest version first."""
    c = _TABLE.c
    counts = (func.count(c.version.distinct()), func.min(c.version), func.sum(c.rows))
    query = select(func.max(c.id), *counts).where(c.dataset == dataset).group_by(c.rule, c.column, c.outcome)
    groups = {last: (versions, first, int(rows)) for last, versions, first, rows in conn.execute(query)}
    latest = fetch(conn, columns(_TABLE, Finding).where(among(c.id, groups)).order_by(c.id.desc()), Finding)
    return [Repeated(each, *groups[each.id]) for each in latest]
