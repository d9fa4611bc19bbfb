"""What keeps the messages of a stream."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from argosy.errors import ArgosyError
from argosy.serving.stream.message import Message, Outcome


class UnreachableError(ArgosyError):
    """A broker does not answer, or cannot do now what it is asked: the same may succeed later."""

    status = 503


class Broker(Protocol):
    """One consumer of one group: each message is delivered to one consumer of a group, and again until it is settled.

    For one event loop. Every method raises UnreachableError where the same may succeed later, else ArgosyError.
    """

    async def open(self) -> None:
        """Join the group, which begins at the oldest message that is there."""
        ...

    async def read(self, most: int, seconds: float) -> list[Message]:
        """At most so many messages; waits for the first one no longer than so many seconds."""
        ...

    async def settle(self, outcomes: Sequence[Outcome]) -> int:
        """Tell what became of messages that `read` gave, in its order, and that they are done. It may be tried again.

        Returns how many were told here: a message that another consumer has settled meanwhile is not among them.
        """
        ...

    async def behind(self) -> int:
        """How many messages no consumer of the group has been given yet."""
        ...

    async def close(self) -> None:
        """Leave the group; never raises."""
        ...
