"""What several pages read: a fleet's declaration, its table with statuses, and who waits for what."""

from __future__ import annotations

from datetime import datetime

import msgspec
import polars as pl
from sqlalchemy import Connection

from argosy.controller import observe
from argosy.controller.status import status
from argosy.data import state as state_of_data
from argosy.errors import UnknownError
from argosy.spec.dataset import Dataset
from argosy.spec.document import recorded
from argosy.spec.feature import FeatureView, ViewReference
from argosy.spec.fleet import Fleet
from argosy.spec.gate import Approval
from argosy.store import declarations, members, verdicts


class State(msgspec.Struct, frozen=True):
    """A fleet with its table: the columns of `observe.table`, `status`, `reason`, and `age` in days since training."""

    fleet: Fleet
    table: pl.DataFrame
    revision: int
    waiting: dict[int, str]
    blocked: str | None


def fleet(conn: Connection, name: str) -> tuple[Fleet, int]:
    """(declaration, its revision). Raises `UnknownError` if no such fleet is declared."""
    found = declarations.get(conn, "fleet", name)
    wanted = recorded(found.body) if found else None
    if found is None or not isinstance(wanted, Fleet):
        raise UnknownError(f"there is no fleet {name!r}", next="argosy get fleets")
    return wanted, int(found.body.get("revision", 0))


def state(conn: Connection, name: str, now: datetime) -> State:
    """What is true of a fleet, with the status of every member. Raises `UnknownError` for a fleet that is not there."""
    wanted, revision = fleet(conn, name)
    waiting = approvals(conn, wanted)
    stopped = blocked(conn, wanted)
    table = observe.table(conn, name)
    found = status(table, wanted, now, approvals=waiting, blocked=stopped)
    age = ((pl.lit(now) - pl.col("trained_at")).dt.total_seconds() / 86_400).alias("age")
    table = table.hstack(found.drop("key")).with_columns(age)
    return State(wanted, table, revision, waiting, stopped)


def approvals(conn: Connection, fleet: Fleet) -> dict[int, str]:
    """What versions of a fleet wait for, by version id; one query, none for a fleet that asks nobody."""
    if not any(isinstance(gate, Approval) for gate in fleet.gates):
        return {}
    return {verdict.version_id: verdict.message for verdict in verdicts.waiting(conn, fleet.name)}


def blocked(conn: Connection, fleet: Fleet) -> str | None:
    """Why the data of a fleet may not be used: the latest version of a dataset that it reads was rejected."""
    found = state_of_data.blocked(conn, sources(conn, fleet))
    return "; ".join(f"{name}: {why}" for name, why in found.items()) or None


def sources(conn: Connection, fleet: Fleet) -> list[str]:
    """The datasets that a fleet reads, its spine first."""
    named = {each.name for each in fleet.features if isinstance(each, ViewReference)}
    views = [recorded(each.body) for each in declarations.current(conn, "feature_view")] if named else []
    read = [view.dataset for view in views if isinstance(view, FeatureView) and view.name in named]
    return list(dict.fromkeys((fleet.spine, *read)))


def declared(conn: Connection, name: str) -> Dataset | None:
    """A dataset's declaration; None for one that the system fills itself."""
    found = declarations.get(conn, "dataset", name)
    wanted = recorded(found.body) if found else None
    return wanted if isinstance(wanted, Dataset) else None


def split(conn: Connection, address: str) -> tuple[str, str, members.State]:
    """(fleet, key, state) of a member's address. Raises `UnknownError` if there is no such member."""
    name, _, key = address.partition("/")
    found = members.state(conn, name, key)
    if found is None:
        raise UnknownError(f"there is no member {address!r}", next=f"argosy get members --where fleet:{name}")
    return name, key, found


def owner(body: dict[str, object]) -> str:
    """Who owns what a declaration's body declares."""
    return str(body.get("owner", ""))
