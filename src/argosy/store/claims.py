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

    What is left belongs to runs whose lease is live: since each takes all that it knows of in one transaction, none
    can wait for the other in a circle.
    """
    wanted = sorted(set(names))
    c = _TABLE.c
    insert(tx, _TABLE, [Claim(name=name, run_id=run_id) for name in wanted], ignore=True)
    lease = schema.lease.c
    live = select(lease.name).where(lease.name == literal(LEASE) + cast(c.run_id, Text), lease.expires_at > now)
    tx.execute(update(_TABLE).where(among(c.name, wanted), c.run_id != run_id, ~live.exists()).values(run_id=run_id))
    return set(tx.execute(select(c.name).where(among(c.name, wanted), c.run_id == run_id)).scalars())


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
