"""Slots: how many steps that name a limit may run at once, in all processes of a home. Each slot is a lease."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from argosy.spec.step import Limit
from argosy.store import Store, leases
from argosy.store.leases import Lease

TTL = timedelta(minutes=1)
_BEAT = TTL / 4
PREFIX = "limit/"


class Slots:
    """The slots that one process holds, by the key of the work that each is for. Leases run on the machine's time."""

    def __init__(self, store: Store, owner: str, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._owner = owner
        self._clock = clock
        self._held: dict[str, Lease] = {}
        self._beaten = clock()

    def take(self, limit: Limit, keys: list[str]) -> list[str]:
        """Take a slot for each of the keys, as far as there are free ones; returns those that have one now."""
        names = [f"{PREFIX}{limit.name}/{number}" for number in range(limit.slots)]
        taken = leases.claim_any(self._store, names, self._owner, self._clock(), TTL, limit=len(keys))
        admitted = keys[: len(taken)]
        self._held.update(zip(admitted, taken, strict=True))
        return admitted

    def give_back(self, key: str) -> None:
        """The work of a key came to an end, if it held a slot."""
        lease = self._held.pop(key, None)
        if lease is not None:
            leases.release(self._store, [lease])

    def beat(self) -> None:
        """Keep what is held; call it every few seconds."""
        now = self._clock()
        if self._held and now - self._beaten > _BEAT:
            leases.heartbeat(self._store, self._held.values(), now, TTL)
            self._beaten = now

    def close(self) -> None:
        """Give back all."""
        leases.release(self._store, list(self._held.values()))
        self._held.clear()
