"""How far predictions may be from the truth: split conformal prediction on the held-out rows.

The margin is the ceil((n + 1) * coverage)-th smallest of n absolute errors (Lei et al., "Distribution-Free Predictive
Inference for Regression", JASA 113, 2018, theorem 2.2): an error of a further row, exchangeable with these, is at most
that with a probability of `coverage`.
"""

from __future__ import annotations

import math

import msgspec
import numpy as np

from argosy.training.rows import Floats


class Calibrated(msgspec.Struct, frozen=True):
    """A margin for a coverage, from the errors of `rows` rows; None where they are too few for it.

    `measured` is the share of the newer half of these rows, `judged` in number, whose errors the margin of the older
    half alone would have held; None where that has none.
    """

    coverage: float
    margin: float | None
    rows: int
    measured: float | None
    judged: int


def calibrate(coverage: float, labels: Floats, answers: Floats) -> Calibrated:
    """The margin for the rows of a version, which are ordered by time."""
    errors = np.abs(labels - answers)
    older, newer = np.split(errors, [len(errors) // 2])
    trial = _margin(errors=older, coverage=coverage)
    measured = None if trial is None or not len(newer) else float(np.mean(newer <= trial))
    return Calibrated(coverage, _margin(errors=errors, coverage=coverage), len(errors), measured, len(newer))


def _margin(errors: Floats, coverage: float) -> float | None:
    place = math.ceil(round((len(errors) + 1) * coverage, 9))  # what rounding adds must not ask for one row more
    return float(np.partition(errors, place - 1)[place - 1]) if place <= len(errors) else None
