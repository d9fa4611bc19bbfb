"""The interval around a version's predictions, in the words that its card says."""

from __future__ import annotations

import msgspec

from argosy.spec.quantity import plural


class Bounds(msgspec.Struct, frozen=True):
    """`margin` on both sides for a share `coverage`, from `rows` held-out rows; None where they are too few.

    `measured` of the `judged` newest of them lay within what the others alone would have given.
    """

    coverage: float
    margin: float | None
    rows: int
    measured: float | None
    judged: int

    @property
    def words(self) -> str:
        """How wide it is, by how many rows, and what it was seen to hold."""
        share, by = f"{100 * self.coverage:g} %", plural(self.rows, "held-out row")
        if self.margin is None:
            return f"No interval: {by} are too few for {share}"
        said = f"Interval: {share} of the labels within {self.margin:.4g} of the prediction, by {by}"
        if self.measured is None:
            return said
        return f"{said}; it held {100 * self.measured:.1f} % of the newer {self.judged:,}, made from the others alone"
