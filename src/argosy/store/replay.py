"""Rebuild the projection of what is true now, from the facts alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, Table, delete, select

from argosy.store import current, schema
from argosy.store.aliases import Alias
from argosy.store.executions import Execution
from argosy.store.members import Member
from argosy.store.rollouts import Rollout
from argosy.store.rows import R, columns, fetch
from argosy.store.signals import Signal
from argosy.store.versions import Version

_BATCH = 10_000


def rebuild(tx: Connection, fleet: str) -> None:
    """Forget what is projected of a fleet's members and replay their facts in the order they were recorded."""
    tx.execute(delete(schema.current).where(schema.current.c.fleet == fleet))
    for members in _facts(tx, fleet, schema.member, Member):
        current.joined(tx, [(member.id, member.fleet, member.key) for member in members])
    for versions in _facts(tx, fleet, schema.version, Version):
        current.versioned(tx, versions)
    for moves in _facts(tx, fleet, schema.alias, Alias):
        current.moved(tx, moves)
    for rollouts in _facts(tx, fleet, schema.rollout, Rollout):
        current.rolled(tx, [(rollout.id, rollout) for rollout in rollouts])
    for executions in _facts(tx, fleet, schema.execution, Execution):
        current.executed(tx, [(execution.id, execution) for execution in executions])
    for signals in _facts(tx, fleet, schema.signal, Signal):
        current.signalled(tx, signals)


def _facts(tx: Connection, fleet: str, table: Table, kind: type[R]) -> Iterator[list[R]]:
    mine: Any = table.c.fleet == fleet if "fleet" in table.c else table.c.member_id.in_(_members(fleet))
    last = 0
    while True:
        batch: Any = fetch(
            tx, columns(table, kind).where(mine, table.c.id > last).order_by(table.c.id).limit(_BATCH), kind
        )
        if not batch:
            return
        yield batch
        last = batch[-1].id


def _members(fleet: str) -> Any:
    return select(schema.member.c.id).where(schema.member.c.fleet == fleet)
