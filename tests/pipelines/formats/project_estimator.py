"""What a project may define of its own for a pipeline of scikit-learn."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, TransformerMixin


class Clip(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Keeps values within those seen."""

    def fit(self, rows: npt.NDArray[Any], labels: Any = None) -> Clip:
        self.low_, self.high_ = np.min(rows, axis=0), np.max(rows, axis=0)
        return self

    def transform(self, rows: npt.NDArray[Any]) -> npt.NDArray[Any]:
        return np.clip(rows, self.low_, self.high_)


def halved(rows: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return rows / 2
