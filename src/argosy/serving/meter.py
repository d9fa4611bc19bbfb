"""What callers have had: rows and seconds of work, and who must wait because it had more than its share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from math import ceil
from threading import Lock

from argosy.serving.limits import Limits
from argosy.serving.request import Refused


class Meter:
    """Counts by caller and fleet; `clock` is one of durations. The event loop counts, and any thread takes.

    A caller with a limit has a bucket of as many rows as it may ask in a second, which fills at that rate. Rows are
    taken from it once they are read and before they are scored, whether it holds as many or not: who owes some is
    refused until they are paid. So no request is too large for its limit, and of many at once one alone may be above.
    """

    def __init__(self, limits: Limits, clock: Callable[[], float]) -> None:
        self.rows: Counter[tuple[str, str]] = Counter()
        self.seconds: Counter[tuple[str, str]] = Counter()
        self.refused: Counter[str] = Counter()
        self._limits, self._clock = limits, clock
        self._buckets: dict[str, tuple[float, float]] = {}
        self._lock = Lock()

    def take(self, caller: str, rows: int = 0) -> None:
        """Take rows; raise Refused with 429 where a caller owes some, with the seconds until it no longer does.

        With none it is but asked whether it may have any.
        """
        if not self._limits.rows or (rate := self._limits.rate(caller)) is None:
            return
        with self._lock:
            held = self._held(caller, rate)
            if held >= 0:
                self._buckets[caller] = (held - rows, self._clock())
                return
            self.refused["rows"] += 1
        wait = max(1, ceil(-held / rate))
        raise Refused(
            429,
            f"caller {caller!r} has had more than its {rate:g} rows a second",
            next=f"ask again in {wait} s",
            headers=((b"retry-after", b"%d" % wait),),
        )

    def count(self, caller: str, fleet: str, rows: int, seconds: float) -> None:
        """Count what an answer cost."""
        self.rows[caller, fleet] += rows
        self.seconds[caller, fleet] += seconds  # type: ignore[assignment]  # a Counter adds any numbers

    def _held(self, caller: str, rate: float) -> float:
        held, since = self._buckets.get(caller, (rate, 0.0))
        return min(rate, held + (self._clock() - since) * rate)
