"""What an action will cost, from what executions of its kind have cost."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection

from argosy.controller.action import Action, Ingest, Materialise, Train, Watch
from argosy.store import executions

_KINDS: dict[type, str] = {Ingest: "ingest", Materialise: "materialise", Watch: "watch"}


class Estimate(msgspec.Struct, frozen=True):
    """`count` executions; CPU seconds and wall seconds of all of them one after another, None if none ran before."""

    count: int
    cpu_s: float | None
    wall_s: float | None
    seen: int
    """How many past executions the means are taken over."""


def estimate(conn: Connection, action: Action) -> Estimate | None:
    """The cost of an action; None for one that runs no function of the fleet."""
    if isinstance(action, Train):
        return _times(executions.cost(conn, "train", fleet=action.fleet), len(action.members) + action.pooled)
    kind = _KINDS.get(type(action))
    return None if kind is None else _times(executions.cost(conn, kind), 1)


def _times(cost: executions.Cost, count: int) -> Estimate:
    cpu = None if cost.cpu_s is None else cost.cpu_s * count
    wall = None if cost.wall_s is None else cost.wall_s * count
    return Estimate(count, cpu, wall, cost.count)
