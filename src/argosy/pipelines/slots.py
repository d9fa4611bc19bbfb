"""Slots: how many steps that name a limit may run at once, in all processes of a home. Each slot is a lease."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from argosy.spec.step import Limit
from argosy.store import Store, leases
from argosy.store.leases import Lease

TTL = timedelta(minutes=1)
_BEAT = TTL / 4
PREFIX = "limit/"
_POLL = timedelta(seconds=0.2)  # between looks at whether others gave back a slot of a limit that was full
_TURN = timedelta(seconds=5)  # for which the slots of a limit go from work to work here before others get a chance


class Slots:
    """The slots that one process holds, by the key of the work that each is for. Leases run on the machine's time.

    A slot whose work ended goes to whoever asks next for one of its limit, and back to the home with `settle`. So that
    other processes have their turn, one goes back every few seconds though it is wanted here.
    """

    def __init__(self, store: Store, owner: str, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._owner = owner
        self._clock = clock
        self._held: dict[str, Lease] = {}
        self._free: dict[str, list[Lease]] = {}
        self._full: dict[str, datetime] = {}
        self._turned: dict[str, datetime] = {}
        self._beaten = clock()

    def take(self, limit: Limit, keys: Sequence[str]) -> int:
        """Take a slot for each of the keys, the first ones first; how many have one now."""
        free = self._free.pop(limit.name, [])
        offered = free[1:] if free and self._is_others_turn(limit) else free
        taken = offered[: len(keys)]
        self._free[limit.name] = [lease for lease in free if lease not in taken]
        if len(taken) < len(keys):
            taken += self._claim(limit, len(keys) - len(taken))
        self._held.update(zip(keys, taken, strict=False))
        return len(taken)

    def give_back(self, limit: Limit, key: str) -> None:
        """The work of a key came to an end: its slot, if it held one, is free."""
        lease = self._held.pop(key, None)
        if lease is not None:
            self._free.setdefault(limit.name, []).append(lease)

    def settle(self) -> None:
        """Give back what nobody here asked for."""
        if free := [lease for leases in self._free.values() for lease in leases]:
            self._free.clear()
            leases.release(self._store, free)

    def beat(self) -> None:
        """Keep what is held; call it every few seconds."""
        now = self._clock()
        if self._held and now - self._beaten > _BEAT:
            leases.heartbeat(self._store, self._held.values(), now, TTL)
            self._beaten = now

    def close(self) -> None:
        """Give back all."""
        leases.release(self._store, [*self._held.values(), *(each for free in self._free.values() for each in free)])
        self._held.clear()
        self._free.clear()

    def _claim(self, limit: Limit, count: int) -> list[Lease]:
        now = self._clock()
        mine = {lease.name for lease in (*self._held.values(), *self._free[limit.name])}
        names = [f"{PREFIX}{limit.name}/{number}" for number in range(limit.slots)]
        others = [name for name in names if name not in mine]
        if not others or now - self._full.get(limit.name, now - _POLL) < _POLL:
            return []
        taken = leases.claim_any(self._store, others, self._owner, now, TTL, limit=count)
        if len(taken) < count:
            self._full[limit.name] = now
        return taken

    def _is_others_turn(self, limit: Limit) -> bool:
        now = self._clock()
        if now - self._turned.setdefault(limit.name, now) < _TURN:
            return False
        self._turned[limit.name] = self._full[limit.name] = now
        return True
