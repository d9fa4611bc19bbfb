"""Verdicts: what each gate said about a version, with its evidence."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, func, select

from argosy.store import schema
from argosy.store.rows import Row, among, columns, fetch, insert

_TABLE, _APPROVAL, _VERSION = schema.verdict, schema.approval, schema.version


class NewVerdict(Row, frozen=True, kw_only=True):
    """`passed` is None while the gate waits for a person."""

    version_id: int
    gate: str
    passed: bool | None
    at: datetime
    message: str = ""
    evidence: dict[str, Any] = msgspec.field(default_factory=dict)


class Verdict(NewVerdict, frozen=True, kw_only=True):
    """A recorded verdict; the latest of a version and gate counts."""

    id: int


def add(tx: Connection, verdicts: Sequence[NewVerdict]) -> list[int]:
    """Record verdicts."""
    return insert(tx, _TABLE, verdicts)


def of(conn: Connection, version_ids: Iterable[int]) -> list[Verdict]:
    """The latest verdict of each gate on each of some versions, by version and gate."""
    c = _TABLE.c
    last = select(func.max(c.id)).where(among(conn, c.version_id, version_ids)).group_by(c.version_id, c.gate)
    query = columns(_TABLE, Verdict).where(c.id.in_(last)).order_by(c.version_id, c.gate)
    return fetch(conn, query, Verdict)


def waiting(conn: Connection, fleet: str | None = None) -> list[Verdict]:
    """Verdicts that wait for a person: the gate's latest is undecided and no approval came after it."""
    c = _TABLE.c
    last = select(func.max(c.id)).group_by(c.version_id, c.gate)
    answered = select(_APPROVAL.c.id).where(_APPROVAL.c.version_id == c.version_id, _APPROVAL.c.at >= c.at).exists()
    query = columns(_TABLE, Verdict).where(c.id.in_(last), c.passed.is_(None), ~answered).order_by(c.id)
    if fleet is not None:
        query = query.join(_VERSION, _VERSION.c.id == c.version_id).where(_VERSION.c.fleet == fleet)
    return fetch(conn, query, Verdict)
