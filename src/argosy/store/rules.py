"""Rules for callers: who answers the rows that one caller asks for. Each is a fact; the latest counts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, func, select

from argosy.store import schema
from argosy.store.blobs import Slot
from argosy.store.rows import Row, fetch, insert

_TABLE = schema.rule
CHAMPION, CHALLENGER, POOLED, VERSION, NONE = "champion", "challenger", "pooled", "version", "none"


class NewRule(Row, frozen=True, kw_only=True):
    """From now on `target` answers a caller's rows of a member, or of the whole fleet where no member is given.

    `version_id` is given exactly when `target` is "version"; "none" ends the rule before it.
    """

    fleet: str
    member_id: int | None
    caller: str
    target: str
    at: datetime
    actor: str
    version_id: int | None = None
    reason: str = ""


class Rule(Row, frozen=True, kw_only=True):
    """A rule in force, with the key of its member and its version, if it has them, and where that lies."""

    member_id: int | None
    key: str | None
    caller: str
    target: str
    version_id: int | None
    number: int | None
    version_key: str | None
    format: str | None
    signature: str | None
    digest: str | None
    pack: str | None
    start: int | None
    bytes: int | None

    @property
    def slot(self) -> Slot | None:
        """What `Blobs.read` takes."""
        return None if self.digest is None else Slot(self.digest, self.pack, self.start or 0, self.bytes or 0)


def add(tx: Connection, rules: Sequence[NewRule]) -> list[int]:
    """Record rules, in order."""
    return insert(tx, _TABLE, rules)


def current(conn: Connection, fleet: str) -> list[Rule]:
    """The rules of a fleet that are in force."""
    c, v, a = _TABLE.c, schema.version.c, schema.artifact.c
    member, owner = schema.member.alias(), schema.member.alias()
    last = select(func.max(c.id)).where(c.fleet == fleet).group_by(c.caller, c.member_id)
    found = (v.id, v.number, owner.c.key, v.format, v.signature, a.digest, a.pack, a.start, a.bytes)
    query = select(c.member_id, member.c.key, c.caller, c.target, *found).select_from(_TABLE)
    query = query.outerjoin(member, member.c.id == c.member_id).outerjoin(schema.version, v.id == c.version_id)
    query = query.outerjoin(owner, owner.c.id == v.member_id).outerjoin(schema.artifact, a.digest == v.artifact)
    return fetch(conn, query.where(c.id.in_(last), c.target != NONE).order_by(c.id), Rule)
