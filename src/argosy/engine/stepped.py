"""What sessions share, wherever their workers are: works go into a ledger, and come out as it gets on by steps."""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Sequence

from argosy.engine.contract import Result, Session, Work
from argosy.engine.ledger import Ledger


class Stepped(Session):
    """A session over a ledger. `cpu_s` are the CPU seconds of all attempts so far."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self.cpu_s = 0.0

    def submit(self, works: Sequence[Work]) -> None:
        """See `Session.submit`."""
        self._ledger.enter(works)
        self._step(None)

    def results(self, wait: float) -> list[Result]:
        """See `Session.results`. A cancellation is noticed within a twentieth of a second."""
        deadline = time.monotonic() + wait
        while True:
            pause = 0.0 if len(self._ledger) > len(self._ledger.open) else deadline - time.monotonic()
            if self._ledger.open:
                self._step(max(0.0, pause))
            if pause <= 0.0 or len(self._ledger) > len(self._ledger.open) or not self._ledger.open:
                return self._ledger.results()

    @property
    def open(self) -> int:
        """See `Session.open`."""
        return len(self._ledger)

    @abstractmethod
    def _step(self, pause: float | None) -> None:
        """Hand out what waits; then, unless `pause` is None, gather answers, waiting so long for the first."""
