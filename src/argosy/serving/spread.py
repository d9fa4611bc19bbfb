"""Quantiles of the rows of a batch, beside their predictions: a column for each level that the fleet declares."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from argosy.model.ensemble import MEDIAN, Ensemble
from argosy.model.format import Model
from argosy.model.matrix import Matrix
from argosy.spec.quantile import column

Floats = npt.NDArray[np.float64]


class Spread:
    """The quantiles of `count` rows at some levels; NaN where a row's version predicts none of that level.

    Rows of different versions may be put from several threads.
    """

    def __init__(self, levels: Sequence[float], count: int) -> None:
        self._levels = levels
        self._values = np.full((count, len(levels)), np.nan)

    def put(self, rows: Sequence[int] | npt.NDArray[np.intp], model: Model, matrix: Matrix) -> Floats:
        """What a model predicts for some rows, whose quantiles are taken where it has some."""
        self._values[rows] = np.nan
        if not self._levels or not isinstance(model, Ensemble) or not model.levels:
            return model.predict(matrix)
        found = model.quantiles(matrix)
        known = {level: found[:, place] for place, level in enumerate(model.levels)}
        for place, level in enumerate(self._levels):
            self._values[rows, place] = known.get(level, np.nan)
        return np.ascontiguousarray(known[MEDIAN])

    def columns(self) -> dict[str, Floats]:
        """The quantiles by the names that answers have for them."""
        return {column(level): self._values[:, place] for place, level in enumerate(self._levels)}

    def lists(self) -> dict[str, list[float | None]]:
        """The same as lists: None where there is none."""
        lists = ((name, each.tolist()) for name, each in self.columns().items())
        return {name: [None if value != value else value for value in each] for name, each in lists}
