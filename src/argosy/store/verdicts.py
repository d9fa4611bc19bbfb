"""Verdicts: what each gate said about a version, with its evidence."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, Select, func, select

from argosy.store import schema
from argosy.store.rows import Row, among, columns, fetch, insert

_TABLE, _APPROVAL, _VERSION, _MEMBER = schema.verdict, schema.approval, schema.version, schema.member


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


class Waiting(Row, frozen=True, kw_only=True):
    """A version that waits for a person; the gate's `message` says for whom."""

    version_id: int
    fleet: str
    key: str
    number: int
    gate: str
    message: str

    @property
    def says(self) -> str:
        """`version 7 waits for approval by operations`."""
        return f"version {self.number} {self.message}"

    @property
    def command(self) -> str:
        """How a person answers: `argosy approve late-arrival/JFK/AA@7`."""
        member = f"{self.fleet}/{self.key}" if self.key else self.fleet
        return f"argosy approve {shlex.quote(f'{member}@{self.number}')}"

    @property
    def told(self) -> str:
        """What is waited for, and how to answer."""
        return f"{self.says} ({self.command})"


def add(tx: Connection, verdicts: Sequence[NewVerdict]) -> list[int]:
    """Record verdicts."""
    return insert(tx, _TABLE, verdicts)


def of(conn: Connection, version_ids: Iterable[int]) -> list[Verdict]:
    """The latest verdict of each gate on each of some versions, by version and gate."""
    c = _TABLE.c
    last = select(func.max(c.id)).where(among(conn, c.version_id, version_ids)).group_by(c.version_id, c.gate)
    query = columns(_TABLE, Verdict).where(c.id.in_(last)).order_by(c.version_id, c.gate)
    return fetch(conn, query, Verdict)


def waiting(conn: Connection, fleet: str | None = None) -> list[Waiting]:
    """Versions that wait for a person, in the order in which gates asked: no approval came after the gate's latest.

    One that answers already, or in whose place a newer version has come, waits for nobody.
    """
    c, v, m, now = _TABLE.c, _VERSION.c, _MEMBER.c, schema.current.c
    query = _undecided(select(c.version_id, v.fleet, m.key, v.number, c.gate, c.message), answered=False)
    query = query.join(_MEMBER, m.id == v.member_id).join(schema.current, now.member_id == v.member_id)
    query = query.where(now.version_id == v.id, now.champion_id.is_distinct_from(v.id)).order_by(c.id)
    return fetch(conn, query if fleet is None else query.where(v.fleet == fleet), Waiting)


def tell(waiting: Sequence[Waiting]) -> str:
    """Some versions that wait in words: what the first waits for, with how to answer, and how many more there are."""
    more = len({each.version_id for each in waiting}) - 1
    return waiting[0].told + (f", and {more:,} more" if more else "")


def answered(conn: Connection, fleet: str) -> list[int]:
    """The ids of a fleet's versions that a person has answered for since the gate asked, which now is to ask again."""
    query = _undecided(select(_TABLE.c.version_id).distinct(), answered=True).where(_VERSION.c.fleet == fleet)
    return list(conn.scalars(query.order_by(_TABLE.c.version_id)))


def _undecided(query: Select[Any], *, answered: bool) -> Select[Any]:
    """Of gates whose latest verdict on a version is none, with the version; whether a person has spoken since."""
    c = _TABLE.c
    last = select(func.max(c.id)).group_by(c.version_id, c.gate)
    spoken = select(_APPROVAL.c.id).where(_APPROVAL.c.version_id == c.version_id, _APPROVAL.c.at >= c.at).exists()
    found = query.select_from(_TABLE).join(_VERSION, _VERSION.c.id == c.version_id)
    return found.where(c.id.in_(last), c.passed.is_(None), spoken if answered else ~spoken)
