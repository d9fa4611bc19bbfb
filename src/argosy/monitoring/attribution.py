"""What models lean on while they serve, against what they leant on in training: their contributions as shares."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt


def shares(contributions: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Each feature's share of what moved the scores of some rows: of the mean sizes of [rows x features] contributions.

    All are zero where nothing moved any score, or there are no rows.
    """
    if not len(contributions):
        return np.zeros(contributions.shape[1])
    sizes = np.abs(contributions).mean(axis=0)
    total = float(sizes.sum())
    return np.asarray(sizes / total if total > 0.0 else sizes)


def moved(before: Mapping[str, float], after: Mapping[str, float]) -> tuple[float, str]:
    """How far two sharings are from one another, and the feature whose share changed most.

    Half the sum of the differences (the total variation distance): 0 for the same sharing, 1 for one over features that
    had no part before. A feature that one of the two does not name has no part in it.
    """
    names = list(dict.fromkeys((*before, *after)))
    gaps = [abs(after.get(name, 0.0) - before.get(name, 0.0)) for name in names]
    return sum(gaps) / 2.0, names[int(np.argmax(gaps))] if names else ""
