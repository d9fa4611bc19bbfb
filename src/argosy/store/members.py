"""Members of fleets, and the one table of what is true of each now."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Connection, select

from argosy.store import current, schema
from argosy.store.rows import Row, among, columns, fetch, insert

_TABLE, _CURRENT = schema.member, schema.current


class _NewMember(Row, frozen=True, kw_only=True):
    fleet: str
    key: str
    at: datetime


class Member(_NewMember, frozen=True, kw_only=True):
    """A member since `at`. `key` is "" in a fleet without key and "*" for the pooled model."""

    id: int


class State(Row, frozen=True, kw_only=True):
    """What is true of one member now; None where nothing has happened yet.

    `version_*` is its latest version, `target` and `champion_*` who answers ("own", "pooled",
    "none"), `rollout_*` its latest rollout, `execution_*` its last attempt, `failures` how many
    attempts failed in a row, `signals` the latest value of each signal.
    """

    member_id: int
    fleet: str
    key: str
    version_id: int | None
    version_number: int | None
    version_at: datetime | None
    version_rows: int | None
    version_key: str | None
    version_signature: str | None
    target: str | None
    champion_id: int | None
    champion_number: int | None
    champion_since: datetime | None
    challenger_id: int | None
    rollout_id: int | None
    rollout_version_id: int | None
    rollout_kind: str | None
    rollout_state: str | None
    rollout_share: float | None
    rollout_at: datetime | None
    execution_id: int | None
    execution_key: str | None
    execution_outcome: str | None
    execution_reason: str | None
    execution_at: datetime | None
    failures: int
    signals: dict[str, float | None]


def ensure(tx: Connection, fleet: str, keys: Iterable[str], at: datetime) -> dict[str, int]:
    """The ids of `keys` in `fleet`, those not yet members made so from `at`."""
    wanted = list(dict.fromkeys(keys))
    known = ids(tx, fleet, wanted)
    fresh = [key for key in wanted if key not in known]
    made = insert(tx, _TABLE, [_NewMember(fleet=fleet, key=key, at=at) for key in fresh])
    current.joined(tx, [(id, fleet, key) for id, key in zip(made, fresh, strict=True)])
    known.update(zip(fresh, made, strict=True))
    return {key: known[key] for key in wanted}


def ids(conn: Connection, fleet: str, keys: Iterable[str] | None = None) -> dict[str, int]:
    """The ids of a fleet's members by key, of all of them unless `keys` are given."""
    query = select(_TABLE.c.key, _TABLE.c.id).where(_TABLE.c.fleet == fleet)
    if keys is not None:
        query = query.where(among(_TABLE.c.key, keys))
    return {key: id for key, id in conn.execute(query)}


def get(conn: Connection, ids: Iterable[int]) -> dict[int, Member]:
    """The members among `ids` that exist."""
    found = fetch(conn, columns(_TABLE, Member).where(among(_TABLE.c.id, ids)), Member)
    return {member.id: member for member in found}


def fleets(conn: Connection) -> list[str]:
    """The names of all fleets that have members."""
    return list(conn.execute(select(_TABLE.c.fleet).distinct().order_by(_TABLE.c.fleet)).scalars())


def state(conn: Connection, fleet: str, key: str) -> State | None:
    """What is true of one member now, None if there is no such member."""
    query = columns(_CURRENT, State).where(_CURRENT.c.fleet == fleet, _CURRENT.c.key == key)
    return next(iter(fetch(conn, query, State)), None)


def states(conn: Connection, ids: Iterable[int]) -> dict[int, State]:
    """What is true now of each of some members, by id."""
    found = fetch(conn, columns(_CURRENT, State).where(among(_CURRENT.c.member_id, ids)), State)
    return {state.member_id: state for state in found}


def table(conn: Connection, fleet: str) -> dict[str, list[Any]]:
    """What is true of every member of a fleet now: one statement, columns of equal length ordered by key.

    The columns are the fields of `State` without `fleet`; instants are integers, microseconds
    since 1970 UTC, and `signals` holds a JSON object per member, as it is kept.
    """
    names = [name for name in State.__struct_fields__ if name != "fleet"]
    query = select(*(_CURRENT.c[name] for name in names)).where(_CURRENT.c.fleet == fleet).order_by(_CURRENT.c.key)
    # The driver's own tuples: building result rows would double the time for ten thousand members.
    rows = cast(Any, conn.execute(query)).cursor.fetchall()
    lists = [list(values) for values in zip(*rows, strict=True)] or [[] for _ in names]
    return dict(zip(names, lists, strict=True))
