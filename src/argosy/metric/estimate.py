"""A score with the influence of each row on it: the one form that all scores share.

Sources: L. Jaeckel, "The infinitesimal jackknife" (1972); B. Efron, "The jackknife, the bootstrap and other
resampling plans" (1982), chapter 6.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from argosy.metric.groups import Floats, Groups


class Estimate(NamedTuple):
    """A score per group and what each row adds to its error.

    `value` [groups] is NaN where the score is undefined. `influence` [rows] is scaled so that the
    variance of a group's value is the sum of its squared influences, and the variance of a difference
    of two scores on the same rows is the sum of squared differences. `trials` [groups] is the number
    of independent trials behind a proportion.
    """

    value: Floats
    influence: Floats
    trials: Floats


def mean(rows: Floats, groups: Groups) -> Estimate:
    """The mean of `rows`; its variance is s^2 / n."""
    count = groups.rows
    value = groups.total(rows) / count
    influence = (rows - groups.spread(value)) / groups.spread(np.sqrt(count * (count - 1.0)))
    return Estimate(value, influence, count)


def ratio(above: Floats, below: Floats, groups: Groups) -> Estimate:
    """The ratio of two sums, by the delta method."""
    bottom = groups.total(below)
    value = groups.total(above) / bottom
    influence = (above - groups.spread(value) * below) / groups.spread(bottom)
    return Estimate(value, influence, bottom)


def root(rows: Floats, groups: Groups) -> Estimate:
    """The square root of the mean of `rows`, by the delta method; a mean of zero has no error."""
    square = mean(rows, groups)
    value = np.sqrt(square.value)
    slope = np.divide(0.5, value, out=np.zeros_like(value), where=value > 0)
    return Estimate(value, square.influence * groups.spread(slope), square.trials)
