"""Claims: which run does a piece of work that several want. One counts while the lease of its run is live."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import Connection, Text, cast, delete, func, literal, select, update

from argosy.errors import LeaseError
from argosy.store import schema
from argosy.store.rows import Row, among, insert
from argosy.store.runs import LEASE

_TABLE = schema.claim


class Claim(Row, frozen=True, kw_only=True):
    """A run's right to do what is named."""

    name: str
    run_id: int


def take(tx: Connection, names: Iterable[str], run_id: int, now: datetime) -> set[str]:
    """Claim what is free for a run, all at once; returns what is now the run's.

    A name with a `/` claims a part of what the name before it claims as a whole: nobody has the one while another has
    the other. What is left belongs to runs whose lease is live.
    """
    wanted = sorted(set(names))
    c, lease = _TABLE.c, schema.lease.c
    insert(tx, _TABLE, [Claim(name=name, run_id=run_id) for name in wanted], ignore=True)
    owner = literal(LEASE) + cast(c.run_id, Text)
    alive = select(lease.name).where(lease.name == owner, lease.expires_at > now).exists()
    tx.execute(update(_TABLE).where(among(c.name, wanted), c.run_id != run_id, ~alive).values(run_id=run_id))
    mine = set(tx.execute(select(c.name).where(among(c.name, wanted), c.run_id == run_id)).scalars())
    near = among(c.name, {name.partition("/")[0] for name in mine if "/" in name}) | c.name.contains("/")
    others = set(tx.execute(select(c.name).where(near, c.run_id != run_id, alive)).scalars())
    wholes = {name.partition("/")[0] for name in others}
    lost = {name for name in mine if ("/" in name and name.partition("/")[0] in others) or name in wholes}
    if lost:
        release(tx, run_id, lost)
    return mine - lost


def hold(tx: Connection, names: Sequence[str], run_id: int) -> None:
    """Raise `LeaseError` unless all the names are still the run's; call in the transaction that records the work."""
    c = _TABLE.c
    held = tx.execute(select(func.count()).where(among(c.name, names), c.run_id == run_id)).scalar_one()
    if held != len(set(names)):
        raise LeaseError(
            f"run {run_id} lost its claim on {len(set(names)) - held} of {len(set(names))} results",
            next="drop them; the run that claimed them does the work",
        )


def release(tx: Connection, run_id: int, names: Iterable[str] | None = None) -> None:
    """Give back a run's claims, or those of some names."""
    c = _TABLE.c
    query = delete(_TABLE).where(c.run_id == run_id)
    tx.execute(query if names is None else query.where(among(c.name, names)))
