"""Where the time comes from: the loop is given a clock, so a year replays in seconds and tests are exact."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Gives the time, always aware and in UTC, never going backwards."""

    def now(self) -> datetime:
        """The current time."""
        ...


class SystemClock:
    """The machine's own time; while that is set back, the last time that was given."""

    def __init__(self) -> None:
        self._last = datetime.now(UTC)

    def now(self) -> datetime:
        """The machine's time in UTC."""
        self._last = max(self._last, datetime.now(UTC))
        return self._last


class ManualClock:
    """A clock that stands still until it is moved: for replays and tests. It starts at an aware time."""

    def __init__(self, start: datetime) -> None:
        self._now = _aware(start)

    def now(self) -> datetime:
        """The time it was set to last."""
        return self._now

    def advance(self, span: timedelta) -> datetime:
        """Move forward by `span` and return the new time."""
        return self.set(self._now + span)

    def set(self, to: datetime) -> datetime:
        """Move forward to `to`. Raises ValueError for a time before the current one."""
        if _aware(to) < self._now:
            raise ValueError(f"clock is at {self._now.isoformat()} and cannot go back to {to.isoformat()}")
        self._now = _aware(to)
        return self._now


def _aware(time: datetime) -> datetime:
    if time.tzinfo is None:
        raise ValueError(f"time {time.isoformat()} has no time zone; pass an aware datetime")
    return time.astimezone(UTC)
