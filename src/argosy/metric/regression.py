"""Scores of a number `p` predicted for a number `y`."""

from __future__ import annotations

import numpy as np

from argosy.metric.estimate import Estimate, mean, root
from argosy.metric.groups import Floats, Groups


def rmse(y: Floats, p: Floats, groups: Groups) -> Estimate:
    """Root of the mean squared error, in the label's unit."""
    return root((p - y) ** 2, groups)


def mae(y: Floats, p: Floats, groups: Groups) -> Estimate:
    """Mean absolute error, in the label's unit."""
    return mean(np.abs(p - y), groups)


def bias(y: Floats, p: Floats, groups: Groups) -> Estimate:
    """Mean of prediction minus label, in the label's unit."""
    return mean(p - y, groups)


def mape(y: Floats, p: Floats, groups: Groups) -> Estimate:
    """Mean of |error| / |label|; NaN for a group that holds a label of 0."""
    zero = y == 0.0
    return mean(np.where(zero, np.nan, np.abs(p - y) / np.where(zero, 1.0, np.abs(y))), groups)


def r2(y: Floats, p: Floats, groups: Groups) -> Estimate:
    """Share of the labels' variance that the predictions explain; its error by the delta method."""
    error = (p - y) ** 2
    spread = (y - groups.spread(groups.total(y) / groups.rows)) ** 2
    total = groups.total(spread)
    value = np.where(total > 0.0, 1.0 - groups.total(error) / total, np.nan)
    influence = ((1.0 - groups.spread(value)) * spread - error) / groups.spread(total)
    return Estimate(value, influence, groups.rows)
