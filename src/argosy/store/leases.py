"""Leases: who works on what, until when. "Running" is a live lease, never a stored state.

The caller's clock decides what is live; clocks of processes that share a home must agree to well
within a lease's time to live. A name's fencing token grows with every claim, so work that was
finished under a lost lease is refused by `hold`.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, func, literal, select, update

from argosy.errors import LeaseError
from argosy.store import schema
from argosy.store.codec import EPOCH
from argosy.store.rows import Row, among, columns, fetch, insert
from argosy.store.store import Store

_TABLE = schema.lease


class Lease(Row, frozen=True, kw_only=True):
    """`owner` may work on `name` until `expires_at`; `token` is the fencing token."""

    name: str
    owner: str
    token: int
    expires_at: datetime


def claim(store: Store, name: str, owner: str, now: datetime, ttl: timedelta) -> Lease | None:
    """Take the lease on `name`, or None while another claim on it is live."""
    return next(iter(claim_any(store, [name], owner, now, ttl, limit=1)), None)


def claim_any(
    store: Store, names: Iterable[str], owner: str, now: datetime, ttl: timedelta, *, limit: int
) -> list[Lease]:
    """Take up to `limit` free leases among `names`, those that sort first."""
    wanted = sorted(set(names))
    c = _TABLE.c
    with store.claim() as tx:
        insert(tx, _TABLE, [Lease(name=name, owner="", token=0, expires_at=EPOCH) for name in wanted], ignore=True)
        free = select(c.name).where(among(c.name, wanted), c.expires_at <= now).order_by(c.name).limit(limit)
        taken = update(_TABLE).where(c.name.in_(free.with_for_update(skip_locked=True)))
        taken = taken.values(owner=owner, token=c.token + 1, expires_at=now + ttl)
        rows: Any = taken.returning(c.name, c.owner, c.token, c.expires_at)
        return sorted(fetch(tx, rows, Lease), key=lambda lease: lease.name)


def heartbeat(store: Store, leases: Iterable[Lease], now: datetime, ttl: timedelta) -> list[Lease]:
    """Extend leases to `now + ttl`; returns those still held. What is missing was lost: stop that work."""
    held = {lease.name: lease.token for lease in leases}
    c = _TABLE.c
    with store.claim() as tx:
        rows = fetch(tx, columns(_TABLE, Lease).where(among(c.name, held)).with_for_update(), Lease)
        mine = [lease.name for lease in rows if lease.token == held[lease.name]]
        extended: Any = update(_TABLE).where(among(c.name, mine)).values(expires_at=now + ttl)
        extended = extended.returning(c.name, c.owner, c.token, c.expires_at)
        return sorted(fetch(tx, extended, Lease), key=lambda lease: lease.name)


def release(store: Store, leases: Iterable[Lease]) -> None:
    """Give leases back; those lost meanwhile are left to their new owners."""
    with store.claim() as tx:
        for_each = [{"held": lease.name, "fence": lease.token} for lease in leases]
        if for_each:
            mine = (_TABLE.c.name == bindparam("held")) & (_TABLE.c.token == bindparam("fence"))
            tx.execute(update(_TABLE).where(mine).values(expires_at=literal(EPOCH, _TABLE.c.expires_at.type)), for_each)


def hold(tx: Connection, leases: Iterable[Lease]) -> None:
    """Call first in the transaction that completes leased work: raises `LeaseError` if a lease was claimed anew.

    Until that transaction ends, nobody else can claim them.
    """
    held = {lease.name: lease for lease in leases}
    rows = fetch(tx, columns(_TABLE, Lease).where(among(_TABLE.c.name, held)).with_for_update(), Lease)
    now = {lease.name: lease for lease in rows}
    for name, lease in held.items():
        if name not in now or now[name].token != lease.token:
            newer = now[name].owner if name in now else "nobody"
            raise LeaseError(
                f"lease {name} of {lease.owner} (token {lease.token}) was lost to {newer}",
                next="drop this result; the new owner does the work",
            )


def live(conn: Connection, now: datetime, prefix: str = "") -> list[Lease]:
    """Leases that are held at `now` and whose name starts with `prefix`, by name."""
    c = _TABLE.c
    query = columns(_TABLE, Lease).where(c.expires_at > now).order_by(c.name)
    if prefix:
        query = query.where(func.substr(c.name, 1, len(prefix)) == prefix)
    return fetch(conn, query, Lease)
