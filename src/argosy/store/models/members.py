"""Members of fleets as registered models: their versions are found as others are, and nothing is kept of them twice.

In the order of their names they are walked fleet by fleet, along the index of their keys, so that a page costs as much
among ten thousand as among ten.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import unquote

import msgspec
from sqlalchemy import Connection

from argosy.store.codec import EPOCH, from_micros
from argosy.store.models.search import LATEST, Kind, Page, holding, rows
from argosy.store.rows import execute, within
from argosy.store.tracking import naming, pages
from argosy.store.tracking.clause import Clause, Order
from argosy.store.tracking.files import PACKAGES
from argosy.store.tracking.sought import Sql

MEMBER, VERSION = "member", "member version"
"""Kinds of what tags are kept under, by id."""
_NAME = "CASE WHEN m.key = '' THEN m.fleet ELSE m.fleet || '/' || m.key END"
_FIELDS = "m.id, m.fleet, m.key, m.at, coalesce(c.version_at, m.at), c.target, c.version_id"
_SOURCE = "member m JOIN current c ON c.member_id = m.id"
_SHOWN = "NOT (m.key = '' AND EXISTS (SELECT 1 FROM registered o WHERE o.name = m.fleet AND o.deleted_at IS NULL))"
"""A model that somebody registered by the name of a fleet without key stands before its member."""
_MEMBERS = Kind(
    MEMBER, "m.id", _FIELDS, _SOURCE, _SHOWN,
    {"name": _NAME, "creation_timestamp": "m.at", "last_updated_timestamp": "coalesce(c.version_at, m.at)"},
    {"name": True},
)  # fmt: skip
_OF = "v.id, v.member_id, m.fleet, m.key, v.number, v.at, v.execution_id, v.format, v.artifact, v.signature"
_JOINED = "version v JOIN member m ON m.id = v.member_id"
_RUNS = {"sqlite": "printf('e%031x', v.execution_id)", "postgresql": "'e' || lpad(to_hex(v.execution_id), 31, '0')"}
_END = "\U0010ffff"


class Member(NamedTuple):
    """A member; `target` is who answers for it, `version_id` its newest version."""

    id: int
    fleet: str
    key: str
    at: datetime
    updated_at: datetime
    target: str | None
    version_id: int | None

    @property
    def name(self) -> str:
        """Its address, by which it is a model."""
        return f"{self.fleet}/{self.key}" if self.key else self.fleet


class Version(NamedTuple):
    """A version of a member; `execution_id` made it, `artifact` is the model and `signature` what it expects."""

    id: int
    member_id: int
    fleet: str
    key: str
    number: int
    at: datetime
    execution_id: int
    format: str
    artifact: str
    signature: str | None

    @property
    def name(self) -> str:
        """The address of its member."""
        return f"{self.fleet}/{self.key}" if self.key else self.fleet

    @property
    def run(self) -> str:
        """The run that made it."""
        return naming.of_execution(self.execution_id)

    @property
    def location(self) -> str:
        """Where its files are found."""
        return f"{PACKAGES}/{self.id}"


def plain(name: str) -> str:
    """The address that a name means, in which clients may write slashes as %2F: in a URI they have no others."""
    return unquote(name) if "/" not in name and "%2f" in name.lower() else name


def find(conn: Connection, name: str) -> Member | None:
    """The member of a name, unless another model has been registered by it."""
    fleet, _, key = plain(name).partition("/")
    sql = f"SELECT {_FIELDS} FROM {_SOURCE} WHERE m.fleet = ? AND m.key = ? AND {_SHOWN}"
    found = execute(conn, sql, (fleet, key)).fetchone()
    return None if found is None else _member(found)


def page(
    conn: Connection, clauses: Sequence[Clause] = (), orders: Sequence[Order] = (), *, limit: int = 100,
    token: str | None = None,
) -> Page[Member]:  # fmt: skip
    """Up to `limit` members for which all clauses hold; by name unless ordered otherwise.

    Tokens are those of `search.models`: a row of either list tells where both go on.
    """
    clauses = [_meant(each) for each in clauses]
    if all(each.key == "name" for each in orders):
        ascending = orders[0].ascending if orders else True
        after = str(pages.row(token, [True])[0]) if token else None
        found = _walk(conn, clauses, ascending, limit + 1, after)
        next = pages.mark([found[limit - 1].name]) if len(found) > limit else None
        return Page(found[:limit], next)
    some, next = rows(conn, _MEMBERS, clauses, orders, limit, token, _narrowed(conn, clauses))
    return Page([_member(row) for row in some], next)


def of_versions(
    conn: Connection, clauses: Sequence[Clause] = (), orders: Sequence[Order] = (), *, limit: int = 10_000,
    token: str | None = None,
) -> Page[Version]:  # fmt: skip
    """The same of versions of members; the last made first, unless ordered otherwise."""
    clauses = [_meant(each) for each in clauses]
    some, next = rows(
        conn, _versions(conn), clauses, orders or [LATEST], limit, token,
        [*_of_members(conn, clauses), *_of_runs(conn, clauses)],
    )  # fmt: skip
    return Page([_version(row) for row in some], next)


def version(conn: Connection, member: Member, number: int) -> Version | None:
    """The version of a number."""
    found = execute(conn, f"SELECT {_OF} FROM {_JOINED} WHERE v.member_id = ? AND v.number = ?", (member.id, number))
    row = found.fetchone()
    return None if row is None else _version(row)


def versions(conn: Connection, ids: Iterable[int]) -> dict[int, Version]:
    """The versions of some ids."""
    clause, bound = within(conn, "v.id", ids)
    return {row[0]: _version(row) for row in execute(conn, f"SELECT {_OF} FROM {_JOINED} WHERE {clause}", (bound,))}


def aliases(conn: Connection, member_ids: Iterable[int]) -> dict[int, dict[str, int]]:
    """The ids of the versions that aliases point at, by member and alias."""
    clause, bound = within(conn, "member_id", member_ids)
    last = f"SELECT max(id) FROM alias WHERE {clause} GROUP BY member_id, alias"
    sql = f"SELECT member_id, alias, version_id FROM alias WHERE id IN ({last}) AND version_id IS NOT NULL "
    found: dict[int, dict[str, int]] = {}
    for member, alias, id in execute(conn, f"{sql}ORDER BY member_id, alias", (bound,)):
        found.setdefault(member, {})[alias] = id
    return found


class _Block(NamedTuple):
    """The members of a fleet with a key, or the one without: their names follow one another, and begin with `first`."""

    first: str
    fleet: str

    def after(self, name: str, ascending: bool) -> tuple[str, tuple[str, ...]] | None:
        """What holds for those that come after a name, in SQL; None where none do."""
        if self.first != self.fleet and name.startswith(self.first):
            return f"m.key {'>' if ascending else '<'} ?", (name.removeprefix(self.first),)
        return ("1 = 1", ()) if (self.first > name if ascending else self.first < name) else None


def _walk(
    conn: Connection, clauses: Sequence[Clause], ascending: bool, wanted: int, name: str | None
) -> list[Member]:  # fmt: skip
    """Members in the order of their names, those that come after one."""
    held, found = holding(conn, _MEMBERS, clauses), list[Member]()
    for block in sorted(_blocks(conn, clauses), reverse=not ascending):
        keys = _range(clauses, block)
        after = ("1 = 1", ()) if name is None else block.after(name, ascending)
        if keys is None or after is None:
            continue
        where = " AND ".join(["m.fleet = ?", "m.key >= ?", "m.key <= ?", after[0], *(each.text for each in held)])
        values = [block.fleet, *keys, *after[1], *(value for each in held for value in each.values)]
        by = f"ORDER BY m.key{'' if ascending else ' DESC'} LIMIT {wanted - len(found)}"
        found += [_member(row) for row in execute(conn, f"SELECT {_FIELDS} FROM {_SOURCE} WHERE {where} {by}", values)]
        if len(found) >= wanted:
            break
    return found


def _blocks(conn: Connection, clauses: Sequence[Clause]) -> list[_Block]:
    """Those that may have members for which the clauses hold; a look into an index for each fleet."""
    sql = (
        "WITH RECURSIVE f(fleet) AS (SELECT min(fleet) FROM member UNION ALL SELECT "
        "(SELECT min(m.fleet) FROM member m WHERE m.fleet > f.fleet) FROM f WHERE f.fleet IS NOT NULL) "
        "SELECT fleet, (SELECT min(m.key) FROM member m WHERE m.fleet = f.fleet), "
        "(SELECT max(m.key) FROM member m WHERE m.fleet = f.fleet) FROM f WHERE fleet IS NOT NULL"
    )
    found: list[_Block] = []
    for fleet, low, high in execute(conn, sql):
        found += [_Block(fleet, fleet)] * (low == "") + [_Block(f"{fleet}/", fleet)] * (high != "")
    return found


def _range(clauses: Sequence[Clause], block: _Block) -> tuple[str, str] | None:
    """The first and last keys that members of a block may have for which the clauses hold; None where none do."""
    first = block.first
    low, high = ("", "") if first == block.fleet else ("\x01", _END)
    for clause in clauses:
        if (clause.entity, clause.key, clause.operator) == ("attribute", "name", "LIKE"):
            start = re.split("[%_]", str(clause.value), maxsplit=1)[0]
            if not (start.startswith(first) or first.startswith(start)):
                return None
            key = start.removeprefix(first) if start.startswith(first) else ""
            low, high = max(low, key), min(high, f"{key}{_END}")
    for names in _named(clauses):
        keys = [name.removeprefix(first) for name in names if name.startswith(first)]
        if not keys:
            return None
        low, high = max(low, min(keys)), min(high, max(keys))
    return low, high


def _named(clauses: Sequence[Clause]) -> list[tuple[str, ...]]:
    """For each clause that says which names there may be, these."""
    return [
        each.value if isinstance(each.value, tuple) else (str(each.value),)
        for each in clauses
        if each.key == "name" and each.entity == "attribute" and each.operator in ("=", "IN")
    ]


def _narrowed(conn: Connection, clauses: Sequence[Clause]) -> list[Sql]:
    """For the index, that members are among those that clauses name."""
    found = []
    for names in _named(clauses):
        parts = [name.partition("/") for name in names]
        (fleets, first), (keys, second) = (
            within(conn, "m.fleet", sorted({fleet for fleet, _, _ in parts})),
            within(conn, "m.key", sorted({key for _, _, key in parts})),
        )
        found.append(Sql(f"{fleets} AND {keys}", (first, second)))
    return found


def _of_members(conn: Connection, clauses: Sequence[Clause]) -> list[Sql]:
    return [
        Sql(f"v.member_id IN (SELECT m.id FROM member m WHERE {each.text})", each.values)
        for each in _narrowed(conn, clauses)
    ]


def _of_runs(conn: Connection, clauses: Sequence[Clause]) -> list[Sql]:
    """For the index, that versions were made by the executions that clauses name, each of which was of a member."""
    found = []
    for clause in clauses:
        if clause.key == "run_id" and clause.entity == "attribute" and clause.operator in ("=", "IN"):
            names = clause.value if isinstance(clause.value, tuple) else (str(clause.value),)
            ids = [id for id in map(naming.execution, names) if id is not None]
            text, bound = within(conn, "id", ids)
            found.append(Sql(f"v.member_id IN (SELECT member_id FROM execution WHERE {text})", (bound,)))
    return found


def _versions(conn: Connection) -> Kind:
    columns: Mapping[str, str] = {
        "name": _NAME, "version_number": "v.number", "run_id": _RUNS[conn.dialect.name],
        "source_path": f"'mlflow-artifacts:/{PACKAGES}/' || v.id", "creation_timestamp": "v.at",
        "last_updated_timestamp": "v.at",
    }  # fmt: skip
    return Kind(VERSION, "v.id", _OF, _JOINED, _SHOWN, columns, {"name": True, "version_number": False})


def _meant(clause: Clause) -> Clause:
    """A clause with addresses in place of the names that clients write."""
    if (clause.entity, clause.key) != ("attribute", "name") or clause.operator not in ("=", "!=", "IN", "NOT IN"):
        return clause
    value = clause.value
    meant = tuple(map(plain, value)) if isinstance(value, tuple) else plain(str(value))
    return msgspec.structs.replace(clause, value=meant)


def _member(row: Sequence[Any]) -> Member:
    id, fleet, key, at, updated, *rest = row
    return Member(id, fleet, key, from_micros(at) or EPOCH, from_micros(updated) or EPOCH, *rest)


def _version(row: Sequence[Any]) -> Version:
    values = list(row)
    values[5] = from_micros(values[5]) or EPOCH
    return Version._make(values)
