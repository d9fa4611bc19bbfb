"""Messages of a stream, and what becomes of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Message(msgspec.Struct, frozen=True, eq=False):
    """What a broker delivered: `id` names it for good, however often it is delivered.

    `at` is when the broker took it, `key` what its producer calls it, and `place` where it is in the words of its
    broker.
    """

    id: str
    body: bytes
    at: datetime
    key: str | None = None
    place: Any = None


class Outcome(msgspec.Struct, frozen=True, eq=False):
    """What became of a message: `body` is the answer to its `rows`; where it has none, `reason` says why not.

    The body is then the message's own, unless it is too large to be kept.
    """

    message: Message
    body: bytes
    rows: int = 0
    reason: str = ""


def taken(milliseconds: int) -> datetime:
    """When a broker took a message, in milliseconds since 1970; now where its producer made that no time."""
    try:
        return _EPOCH + timedelta(milliseconds=milliseconds)
    except OverflowError:
        return datetime.now(UTC)
