"""The connections of one server, and which of them nobody knows yet."""

from __future__ import annotations

import asyncio
from typing import Generic, TypeVar

MOST = 10_000
"""Connections of one server."""
_LOOK_SECONDS = 0.02


C = TypeVar("C")


class Crowd(Generic[C]):
    """At most `most` connections: a process has only so many files. For one event loop alone.

    Whoever has not shown a token is a stranger. Where there is no room, the stranger who came first goes for one who
    comes: so those who only hold connections keep nobody out, and nobody who is known is ever broken off for another.
    """

    def __init__(self, most: int = MOST) -> None:
        self.most = most
        self.open: set[C] = set()
        self._strangers: dict[C, None] = {}

    def enter(self, connection: C) -> C | None:
        """Take in a connection, as a stranger; who is to be broken off for that, which may be itself."""
        first = None
        if len(self.open) >= self.most:
            first = next(iter(self._strangers), None)
            if first is None:
                return connection
            self.leave(first)
        self.open.add(connection)
        self._strangers[connection] = None
        return first

    def know(self, connection: C) -> None:
        """It has shown a token."""
        self._strangers.pop(connection, None)

    def leave(self, connection: C) -> None:
        """It is there no more; it may have left before."""
        self.open.discard(connection)
        self._strangers.pop(connection, None)

    async def emptied(self, seconds: float) -> None:
        """Wait until all have left, for so long at most."""
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while self.open and loop.time() < end:
            await asyncio.sleep(_LOOK_SECONDS)
