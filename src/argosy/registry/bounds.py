"""The interval around a version's predictions, and its quantiles, in the words that its card says."""

from __future__ import annotations

import msgspec

from argosy.spec.quantile import column
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


class Quantiles(msgspec.Struct, frozen=True):
    """By level, the `share` of held-out labels that were at most at the quantile; `crossed` is a share of the rows."""

    levels: tuple[float, ...]
    share: tuple[float, ...]
    crossed: float

    @property
    def words(self) -> str:
        """What share of the labels each quantile was seen to hold, and how many rows had some put in order."""
        held = (f"{100 * share:.1f} % at {column(level)}" for level, share in zip(self.levels, self.share, strict=True))
        said = f"Quantiles: of the held-out labels, {', '.join(held)} or less"
        return said + (f"; in {100 * self.crossed:.1f} % of the rows some were put in order" if self.crossed else "")
