"""Cells of numbers by look-up table: exact, and several times quicker than a binary search."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from argosy.monitoring.bins import Numeric

SLOTS = 4096
DEPTH = 4
BLOCK = 1 << 15


class Lookup:
    """Maps numbers to the cells of one `Numeric`.

    A number's slot on a fine, even grid gives the cell, but for the edges that fall in the same slot, which it
    is compared with. As the slot is monotone in the number, the result equals a binary search exactly. Where
    more than 4 edges crowd one slot, the binary search itself is used.
    """

    def __init__(self, feature: Numeric) -> None:
        self.edges = np.array([feature.low, *feature.cuts, np.nextafter(feature.high, np.inf)])
        self.null = feature.cells - 1
        inner = np.array(feature.cuts) if feature.cuts else self.edges[np.isfinite(self.edges)]
        span = float(inner[-1] - inner[0]) if len(inner) else 0.0
        # The grid spans the cuts, not the range: one far outlier must not crowd all cuts into one slot.
        self.scale = (SLOTS - 8) / span if span > 0.0 and np.isfinite(SLOTS / span) else 1.0
        self.origin = float(inner[0]) - 4.0 / self.scale if len(inner) else 0.0
        slots = self._slots(self.edges)
        self.cell = np.searchsorted(slots, np.arange(SLOTS), side="left").astype(np.int64)
        place = np.arange(len(slots)) - np.searchsorted(slots, slots, side="left")
        self.depth = int(place.max()) + 1
        self.near = np.full((self.depth, SLOTS), np.nan)
        self.near[place, slots] = self.edges

    def cells(self, values: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
        """The cell of each value; NaN has the last."""
        found = np.empty(len(values), dtype=np.int64)
        for start in range(0, len(values), BLOCK):
            block = values[start : start + BLOCK]
            out = found[start : start + BLOCK]
            if self.depth > DEPTH:
                out[:] = np.searchsorted(self.edges, block, side="right")
            else:
                slots = self._slots(block)
                np.take(self.cell, slots, out=out, mode="clip")
                for edges in self.near:
                    out += block >= np.take(edges, slots, mode="clip")
            missing = np.isnan(block)
            if missing.any():
                out[missing] = self.null
        return found

    def _slots(self, values: npt.NDArray[np.float64]) -> npt.NDArray[np.intp]:
        with np.errstate(over="ignore"):  # infinite is beyond either end, as it should be
            grid = values - self.origin
            grid *= self.scale
        np.fmax(grid, 0.0, out=grid)
        np.fmin(grid, SLOTS - 1.0, out=grid)
        return grid.astype(np.intp)
