"""Approvals: what a person said about a version whose gate asked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import Connection, func, select

from argosy.store import schema
from argosy.store.rows import Row, among, columns, fetch, insert

_TABLE = schema.approval


class NewApproval(Row, frozen=True, kw_only=True):
    """A person's word: granted or refused, and why."""

    version_id: int
    granted: bool
    at: datetime
    actor: str
    reason: str = ""


class Approval(NewApproval, frozen=True, kw_only=True):
    """A recorded approval; the latest of a version counts."""

    id: int

    @property
    def by(self) -> str:
        """`by ann: the second is wrong`."""
        return f"by {self.actor}: {self.reason}" if self.reason else f"by {self.actor}"

    @property
    def says(self) -> str:
        """`refused by ann: the second is wrong`."""
        return f"{'approved' if self.granted else 'refused'} {self.by}"


def add(tx: Connection, approvals: Sequence[NewApproval]) -> list[int]:
    """Record approvals or refusals."""
    return insert(tx, _TABLE, approvals)


def of(conn: Connection, version_ids: Iterable[int]) -> dict[int, Approval]:
    """The latest approval of each of some versions that has one."""
    c = _TABLE.c
    last = select(func.max(c.id)).where(among(c.version_id, version_ids)).group_by(c.version_id)
    found = fetch(conn, columns(_TABLE, Approval).where(c.id.in_(last)), Approval)
    return {approval.version_id: approval for approval in found}


def answers(conn: Connection, gate: str, version_ids: Iterable[int]) -> dict[int, bool]:
    """What persons said of some versions, by id: the latest answer, where it is to `gate`, which had asked last."""
    c, v = _TABLE.c, schema.verdict.c
    last = select(func.max(c.id)).where(among(c.version_id, version_ids)).group_by(c.version_id)
    asked = select(v.gate).where(v.version_id == c.version_id, v.passed.is_(None), v.at <= c.at)
    asked = asked.order_by(v.id.desc()).limit(1)
    query = select(c.version_id, c.granted).where(c.id.in_(last), asked.scalar_subquery() == gate)
    return {version: granted for version, granted in conn.execute(query)}
