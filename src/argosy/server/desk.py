"""What every route is given: the store, the time, and how many streams may be open."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from sqlalchemy import Connection

from argosy.errors import CapacityError
from argosy.server.settings import Settings
from argosy.store.store import Store
from argosy.store.tracking import absorb


class Desk:
    """Shared by all requests. It counts open streams and tells them when to end.

    Fleets have their time from `now`, which a replay sets; leases, and with them runs, from the `machine`.
    """

    def __init__(
        self, store: Store, settings: Settings, now: Callable[[], datetime], machine: Callable[[], datetime]
    ) -> None:
        self.store, self.settings, self.now, self.machine = store, settings, now, machine
        self.closing = asyncio.Event()
        self._streams = 0

    @contextmanager
    def tracked(self) -> Iterator[Connection]:
        """A read of runs once all that Argosy did itself is told of among them."""
        absorb.catch_up(self.store, self.machine())
        with self.store.read() as conn:
            yield conn

    @contextmanager
    def stream(self) -> Iterator[None]:
        """One open stream. Raises `CapacityError` when there are too many."""
        if self._streams >= self.settings.streams:
            raise CapacityError(
                f"{self._streams} streams are open already", next="close some pages, or ask again later"
            )
        self._streams += 1
        try:
            yield
        finally:
            self._streams -= 1

    async def pause(self) -> bool:
        """Wait for the next look at the store; False when the server is closing."""
        try:
            await asyncio.wait_for(self.closing.wait(), self.settings.poll_seconds)
        except TimeoutError:
            return True
        return False
