"""What callers have had: rows and seconds of work, and who must wait because it had more than its share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from math import ceil

from argosy.serving.limits import Limits
from argosy.serving.request import Refused


class Meter:
    """Counts by caller and fleet. Written by the event loop alone; `clock` is one of durations.

    A caller with a limit has a bucket of as many rows as it may ask in a second, which fills at that rate. Rows are
    taken from it once they are answered, whether it holds as many or not: who owes some is refused until they are paid.
    So no request is too large for its limit, and none costs a look at its body before it may be refused.
    """

    def __init__(self, limits: Limits, clock: Callable[[], float]) -> None:
        self.rows: Counter[tuple[str, str]] = Counter()
        self.seconds: Counter[tuple[str, str]] = Counter()
        self.refused: Counter[str] = Counter()
        self._limits, self._clock = limits, clock
        self._buckets: dict[str, tuple[float, float]] = {}

    def check(self, caller: str) -> None:
        """Raise Refused with 429 where a caller owes rows, with the seconds until it no longer does."""
        if not self._limits.rows or (rate := self._limits.rate(caller)) is None:
            return
        held = self._held(caller, rate)
        if held < 0:
            self.refused["rows"] += 1
            wait = max(1, ceil(-held / rate))
            raise Refused(
                429,
                f"caller {caller!r} has had more than its {rate:g} rows a second",
                next=f"ask again in {wait} s",
                headers=((b"retry-after", b"%d" % wait),),
            )

    def charge(self, caller: str, fleet: str, rows: int, seconds: float) -> None:
        """Count what an answer cost."""
        self.rows[caller, fleet] += rows
        self.seconds[caller, fleet] += seconds  # type: ignore[assignment]  # a Counter adds any numbers
        if self._limits.rows and (rate := self._limits.rate(caller)) is not None:
            self._buckets[caller] = (self._held(caller, rate) - rows, self._clock())

    def _held(self, caller: str, rate: float) -> float:
        held, since = self._buckets.get(caller, (rate, 0.0))
        return min(rate, held + (self._clock() - since) * rate)
