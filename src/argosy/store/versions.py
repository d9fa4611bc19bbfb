"""Versions of members, numbered from 1 per member."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, func, select

from argosy.store import current, schema
from argosy.store.rows import Row, among, columns, fetch, insert, next_id

_TABLE = schema.version


class NewVersion(Row, frozen=True, kw_only=True):
    """A trained model. `key` is the key of the task that made it, `signature` the digest of its signature.

    `rows` and `span_low`..`span_high` say what it was trained on. Record its artifact and execution first.
    """

    fleet: str
    member_id: int
    key: str
    artifact: str
    format: str
    execution_id: int
    at: datetime
    rows: int
    signature: str | None = None
    span_low: datetime | None = None
    span_high: datetime | None = None
    metrics: dict[str, Any] = msgspec.field(default_factory=dict)
    body: dict[str, Any] = msgspec.field(default_factory=dict)


class Version(NewVersion, frozen=True, kw_only=True):
    """A recorded version."""

    id: int
    number: int


def add(tx: Connection, versions: Sequence[NewVersion]) -> list[Version]:
    """Record versions, each with the next number of its member; returns them in order, numbered."""
    c = _TABLE.c
    query = select(c.member_id, func.max(c.number)).group_by(c.member_id)
    query = query.where(among(c.member_id, {new.member_id for new in versions}))
    numbers: dict[int, int] = {member: number for member, number in tx.execute(query)}
    made = []
    for id, new in enumerate(versions, next_id(tx, _TABLE)):
        number = numbers[new.member_id] = numbers.get(new.member_id, 0) + 1
        made.append(Version(id=id, number=number, **msgspec.structs.asdict(new)))
    insert(tx, _TABLE, made)
    current.versioned(tx, made)
    return made


def get(conn: Connection, ids: Iterable[int]) -> dict[int, Version]:
    """The versions among `ids` that exist."""
    found = fetch(conn, columns(_TABLE, Version).where(among(_TABLE.c.id, ids)), Version)
    return {version.id: version for version in found}


def metric(conn: Connection, ids: Iterable[int], name: str) -> dict[int, float]:
    """What one metric of some versions is; those that do not have it are left out."""
    rows = conn.execute(select(_TABLE.c.id, _TABLE.c.metrics).where(among(_TABLE.c.id, ids))).fetchall()
    return {id: metrics[name] for id, metrics in rows if name in metrics}


def of(conn: Connection, member_ids: Iterable[int]) -> list[Version]:
    """All versions of some members, by member and number."""
    query = columns(_TABLE, Version).where(among(_TABLE.c.member_id, member_ids))
    return fetch(conn, query.order_by(_TABLE.c.member_id, _TABLE.c.number), Version)


def makers(conn: Connection, wanted: Iterable[tuple[str, str, int]]) -> dict[tuple[str, str, int], int]:
    """The executions that made versions, which are given by fleet, key and number; one query."""
    asked, c, member = set(wanted), _TABLE.c, schema.member
    fleets, keys, numbers = ({each[place] for each in asked} for place in range(3))
    query = select(member.c.fleet, member.c.key, c.number, c.execution_id).join(member, member.c.id == c.member_id)
    some = among(member.c.fleet, fleets), among(member.c.key, keys), among(c.number, numbers)
    rows = conn.execute(query.where(*some)).fetchall()
    return {(fleet, key, number): id for fleet, key, number, id in rows if (fleet, key, number) in asked}


def find(conn: Connection, fleet: str, key: str, number: int | None = None) -> Version | None:
    """One version of the member `key` of `fleet`: the latest unless `number` is given."""
    member = schema.member
    query = columns(_TABLE, Version).join(member, member.c.id == _TABLE.c.member_id)
    query = query.where(member.c.fleet == fleet, member.c.key == key)
    if number is not None:
        query = query.where(_TABLE.c.number == number)
    return next(iter(fetch(conn, query.order_by(_TABLE.c.number.desc()).limit(1), Version)), None)
