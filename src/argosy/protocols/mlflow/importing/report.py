"""What an import came to: of each kind how much was found, brought, there already and failed, and why."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import msgspec

EXPERIMENT, RUN, POINT, FILE, LOGGED, MODEL, VERSION = KINDS = (
    "experiments", "runs", "metric points", "artifacts", "logged models", "registered models", "model versions",
)  # fmt: skip


class Tally(msgspec.Struct):
    """Of one kind."""

    found: int = 0
    brought: int = 0
    there: int = 0
    failed: int = 0


class Failure(msgspec.Struct, frozen=True):
    """Something that was not brought, or not as it is there, and why."""

    kind: str
    name: str
    reason: str


class Place(msgspec.Struct, frozen=True):
    """An experiment there, and the id that it has here."""

    name: str
    there: str
    here: int
    made: bool


class Report:
    """Counts as they grow; threads may share one. `tell` is called whenever something was added."""

    def __init__(self, tell: Callable[[Report], object] = lambda report: None) -> None:
        self.tallies = {kind: Tally() for kind in KINDS}
        self.failures: list[Failure] = []
        self.experiments: list[Place] = []
        self.kept: Counter[str] = Counter()
        """Where artifacts lie that stay there, and of how many runs and models."""
        self.bytes = 0
        self._tell, self._lock = tell, threading.Lock()

    def add(self, kind: str, *, found: int = 0, brought: int = 0, there: int = 0, bytes: int = 0) -> None:
        """Count."""
        with self._lock:
            tally = self.tallies[kind]
            tally.found, tally.brought, tally.there = tally.found + found, tally.brought + brought, tally.there + there
            self.bytes += bytes
            self._tell(self)

    def fail(self, kind: str, name: str, reason: str) -> None:
        """Tell of a failure; what failed has been counted as found."""
        with self._lock:
            self.tallies[kind].failed += 1
            self.failures.append(Failure(kind, name, reason))
            self._tell(self)

    def stay(self, place: str) -> None:
        """Tell that the artifacts of a run or a model stay where they are."""
        with self._lock:
            self.kept[place] += 1

    def map(self, place: Place) -> None:
        """Tell of an experiment's id."""
        with self._lock:
            self.experiments.append(place)

    @property
    def whole(self) -> bool:
        """Whether nothing failed."""
        return not self.failures

    def object(self) -> dict[str, Any]:
        """All of it, for programs."""
        return {
            "kinds": self.tallies, "bytes": self.bytes, "experiments": self.experiments, "kept": dict(self.kept),
            "failures": self.failures,
        }  # fmt: skip
