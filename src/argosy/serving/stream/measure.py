"""Counters of a stream in Prometheus' text format."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

from argosy.serving.measure import escaped
from argosy.serving.stream.message import Outcome

_BOUNDS = (1, 4, 16, 64, 256, 1024, 4096)


class Measures:
    """What one consumer did. Written by its event loop alone; `behind` is how many messages nobody has been given."""

    def __init__(self, fleet: str) -> None:
        self.answered = self.dead = self.rows = self.elsewhere = 0
        self.batches = 0
        self.behind = 0
        self._fleet = escaped(fleet)
        self._sizes = [0] * (len(_BOUNDS) + 1)

    @property
    def messages(self) -> int:
        """Messages that were settled here."""
        return self.answered + self.dead

    def settled(self, outcomes: Sequence[Outcome], told: int) -> None:
        """Count a batch of which `told` messages were not settled by another consumer meanwhile."""
        dead = sum(1 for each in outcomes if each.reason)
        self.elsewhere += len(outcomes) - told
        self.dead += dead
        self.answered += len(outcomes) - dead
        self.rows += sum(each.rows for each in outcomes)
        self.batches += 1
        self._sizes[bisect_left(_BOUNDS, len(outcomes))] += 1

    def text(self) -> str:
        """Every counter, as Prometheus reads it."""
        label = f'fleet="{self._fleet}"'
        lines = ["# TYPE argosy_stream_messages_total counter"]
        counts = {"answered": self.answered, "dead": self.dead}
        lines += [f'argosy_stream_messages_total{{{label},outcome="{name}"}} {n}' for name, n in counts.items()]
        for name, kind, value in (
            ("argosy_stream_rows_total", "counter", self.rows),
            ("argosy_stream_settled_elsewhere_total", "counter", self.elsewhere),
            ("argosy_stream_behind", "gauge", self.behind),
        ):
            lines += [f"# TYPE {name} {kind}", f"{name}{{{label}}} {value}"]
        name, total = "argosy_stream_batch_messages", 0
        lines.append(f"# TYPE {name} histogram")
        for bound, n in zip([*map(str, _BOUNDS), "+Inf"], self._sizes, strict=True):
            total += n
            lines.append(f'{name}_bucket{{{label},le="{bound}"}} {total}')
        lines += [f"{name}_sum{{{label}}} {self.messages}", f"{name}_count{{{label}}} {self.batches}"]
        return "\n".join(lines) + "\n"
