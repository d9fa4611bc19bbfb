"""Looks after the limits of what runs."""

from __future__ import annotations

from collections.abc import Iterable

from argosy.engine.contract import Failure
from argosy.engine.crew import Hand
from argosy.engine.job import Job
from argosy.engine.log import LIMIT, size
from argosy.engine.usage import resident
from argosy.engine.verdict import Verdict, too_large, too_long, too_loud

TICK = 0.05  # seconds between two looks
_START = 60.0  # seconds that a worker may take beyond the timeout to import the function and read its arguments


class Watch:
    """Kills a worker whose work is beyond a limit, and notes why. Looks at most every `TICK` seconds."""

    def __init__(self) -> None:
        self._next = 0.0

    def look(self, hands: Iterable[Hand], now: float) -> None:
        """Judge every busy worker, unless it is too early for that."""
        if now < self._next:
            return
        self._next = now + TICK
        for hand in hands:
            if not hand.chunk or hand.verdict:
                continue
            job, spent = hand.chunk[0], now - hand.since
            if job is None and spent > TICK:  # it began what was being taken back
                hand.kill()
            elif job and (failure := _judge(hand, job, spent)):
                hand.verdict = Verdict(job, failure)
                hand.kill()


def _judge(hand: Hand, job: Job, spent: float) -> Failure | None:
    timeout, memory = job.work.timeout, job.work.memory
    if timeout is not None and spent > timeout + (0.0 if hand.ready else _START):
        return too_long(spent, timeout)
    if memory is not None and (held := resident(hand.pid)) > memory:
        return too_large(held, memory)
    if hand.log is not None and (written := size(hand.log)) > LIMIT:
        return too_loud(written, LIMIT)
    return None
