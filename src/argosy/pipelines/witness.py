"""The witness: says while a run goes on which of its calls are at work, and what these wrote so far."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from argosy.engine import log
from argosy.engine.contract import Session
from argosy.pipelines.landing import Write
from argosy.pipelines.runner import Runner
from argosy.store import underway
from argosy.store.underway import Underway

EVERY = 1.0
"""Seconds between two looks, and that a call is at work before it is spoken of: most end sooner."""

_TAIL = 16 << 10  # bytes of what a call wrote


class Witness:
    """Looks after the calls of one run, which is driven under the lease of `token`.

    What it says is in the store a second later at most. A run of short calls costs nothing.
    """

    def __init__(self, runner: Runner, token: int, write: Write, clock: Callable[[], datetime]) -> None:
        self._runner, self._token, self._write, self._clock = runner, token, write, clock
        self._next = 0.0
        self._said: list[Underway] = []
        self._began: dict[tuple[str, float], datetime] = {}

    def look(self, session: Session) -> None:
        """Say what is at work, unless it is too early, or nothing new is to be said."""
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + EVERY
        running = {key: each for key, each in session.running().items() if now - each.since >= EVERY}
        self._began = {
            (key, each.since): self._began.get((key, each.since)) or self._clock() - timedelta(seconds=now - each.since)
            for key, each in running.items()
        }
        found = [self._seen(key, self._began[key, each.since], each.log) for key, each in running.items()]
        self._say([each for each in found if each is not None])

    def close(self) -> None:
        """Nothing is at work any more."""
        self._say([])

    def _say(self, found: list[Underway]) -> None:
        if found != self._said:
            with self._write() as tx:
                underway.say(tx, self._runner.run.id, found)
            self._said = found

    def _seen(self, key: str, began: datetime, path: Path | None) -> Underway | None:
        place = self._runner.place(key)
        if place is None:
            return None
        written, tail = log.tail(path, _TAIL) if path is not None else (0, b"")
        return Underway(
            run_id=self._runner.run.id, node=self._runner.graph.nodes[place.node].name, element=place.element,
            token=self._token, started_at=began, written=written, tail=tail,
        )  # fmt: skip
