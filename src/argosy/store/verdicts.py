"""Verdicts: what each gate said about a version, with its evidence."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cache
from typing import Any

import msgspec
from sqlalchemy import Connection, Select, and_, bindparam, func, or_, select

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


class _Open(Waiting, frozen=True, kw_only=True):
    answered: bool


class Undecided(msgspec.Struct, frozen=True):
    """What is open between a fleet and persons.

    `waiting` are the versions that wait for a person, in the order in which the gate asked; `answered` the ids of those
    that a person has answered for since; `withdrawn` those, with the gate, of which a gate asked that is declared no
    more.
    """

    waiting: tuple[Waiting, ...] = ()
    answered: tuple[int, ...] = ()
    withdrawn: tuple[tuple[int, str], ...] = ()

    @property
    def again(self) -> tuple[int, ...]:
        """The ids of versions that the gates of now are to be asked about again."""
        return tuple(sorted({*self.answered, *(version for version, _ in self.withdrawn)}))


def add(tx: Connection, verdicts: Sequence[NewVerdict]) -> list[int]:
    """Record verdicts."""
    return insert(tx, _TABLE, verdicts)


def of(conn: Connection, version_ids: Iterable[int]) -> list[Verdict]:
    """The latest verdict of each gate on each of some versions, by version and gate."""
    c = _TABLE.c
    last = select(func.max(c.id)).where(among(c.version_id, version_ids)).group_by(c.version_id, c.gate)
    query = columns(_TABLE, Verdict).where(c.id.in_(last)).order_by(c.version_id, c.gate)
    return fetch(conn, query, Verdict)


def undecided(conn: Connection, fleet: str, gate: str | None) -> Undecided:
    """What is open between a fleet and persons; `gate` is the approval that it declares now, None where it has none.

    A version that answers already, or in whose place a newer one has come, waits for nobody. One query, of versions
    whose latest verdict of some gate is none: a person's answer is one that came after it.
    """
    found = fetch(conn, _open(), _Open, fleet=fleet, gate=gate)
    mine = [each for each in found if each.gate == gate]
    return Undecided(
        tuple(each for each in mine if not each.answered),
        tuple(sorted(each.version_id for each in mine if each.answered)),
        tuple((each.version_id, each.gate) for each in found if each.gate != gate),
    )


@cache
def _open() -> Select[Any]:
    """By `fleet` and `gate`; it is asked in every pass of the controller, and takes longer to build than to run."""
    c, v, now, none, after = _TABLE.c, _VERSION.c, schema.current.c, _TABLE.alias().c, _TABLE.alias().c
    later = select(after.id).where(after.version_id == none.version_id, after.gate == none.gate, after.id > none.id)
    last = select(none.id).where(none.passed.is_(None), ~later.exists())
    answered = select(_APPROVAL.c.id).where(_APPROVAL.c.version_id == c.version_id, _APPROVAL.c.at >= c.at).exists()
    new = and_(now.version_id == v.id, now.champion_id.is_distinct_from(v.id))
    query = select(c.version_id, v.fleet, now.key, v.number, c.gate, c.message, answered.label("answered"))
    query = query.join(_VERSION, v.id == c.version_id).join(schema.current, now.member_id == v.member_id)
    mine = and_(c.gate == bindparam("gate", type_=c.gate.type), answered)
    return query.where(c.id.in_(last), v.fleet == bindparam("fleet"), or_(new, mine)).order_by(c.id)


def tell(waiting: Sequence[Waiting]) -> str:
    """Some versions that wait in words: what the first waits for, with how to answer, and how many more there are."""
    more = len({each.version_id for each in waiting}) - 1
    return waiting[0].told + (f", and {more:,} more" if more else "")
