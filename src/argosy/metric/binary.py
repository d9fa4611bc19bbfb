"""Scores of a probability `p` in [0, 1] for a label `y` of 0 or 1; a class is predicted from p >= 0.5."""

from __future__ import annotations

import numpy as np

from argosy.metric.estimate import Estimate, mean, ratio
from argosy.metric.groups import Floats, Groups, Ranking, running

TINY = float(np.finfo(np.float64).eps)


def log_loss(y: Floats, p: Floats, groups: Groups) -> Estimate:
    """Mean negative log-likelihood in nats; probabilities are kept 2.2e-16 away from 0 and 1."""
    return mean(-np.log(np.clip(np.where(y > 0.5, p, 1.0 - p), TINY, 1.0 - TINY)), groups)


def brier(y: Floats, p: Floats, groups: Groups) -> Estimate:
    """Mean squared difference of probability and label."""
    return mean((p - y) ** 2, groups)


def accuracy(y: Floats, p: Floats, groups: Groups) -> Estimate:
    """Share of rows whose predicted class is the label."""
    return mean(((p >= 0.5) == (y > 0.5)).astype(np.float64), groups)


def precision(y: Floats, p: Floats, groups: Groups) -> Estimate:
    """Share of positives among the rows predicted positive."""
    positive = (p >= 0.5).astype(np.float64)
    return ratio(positive * y, positive, groups)


def recall(y: Floats, p: Floats, groups: Groups) -> Estimate:
    """Share of the positives that are predicted positive."""
    return ratio((p >= 0.5) * y, y, groups)


def f1(y: Floats, p: Floats, groups: Groups) -> Estimate:
    """Harmonic mean of precision and recall: 2 tp / (predicted + positives)."""
    positive = (p >= 0.5).astype(np.float64)
    return ratio(2.0 * positive * y, positive + y, groups)


def roc_auc(y: Floats, p: Floats, groups: Groups) -> Estimate:
    """Area under the ROC curve with DeLong's variance, ties counting one half.

    Sources: DeLong, DeLong, Clarke-Pearson, Biometrics 44 (1988) 837-845; computed from ranks after
    Sun and Xu, IEEE Signal Processing Letters 21 (2014) 1389-1393.
    """
    ranking = Ranking(p, groups)
    labels = y[ranking.order]
    ones = running(labels)
    positives = groups.total(y)
    negatives = groups.rows - positives
    middle = 0.5 * (ones[ranking.start] + ones[ranking.stop])
    origin = ones[ranking.origin]
    ones_below = (middle - origin)[ranking.block]
    rows_below = (0.5 * (ranking.start + ranking.stop) - ranking.origin)[ranking.block]
    placed = np.empty_like(p)
    above = np.empty_like(p)
    placed[ranking.order] = rows_below - ones_below
    above[ranking.order] = ones_below
    value = groups.total(placed * y) / (positives * negatives)
    centre = groups.spread(value)
    one = (placed / groups.spread(negatives) - centre) / groups.spread(np.sqrt(positives * (positives - 1.0)))
    zero = (1.0 - above / groups.spread(positives) - centre) / groups.spread(np.sqrt(negatives * (negatives - 1.0)))
    return Estimate(value, np.where(y > 0.5, one, zero), np.minimum(positives, negatives))


def average_precision(y: Floats, p: Floats, groups: Groups) -> Estimate:
    """Area under the precision-recall curve as a step function; its error by the infinitesimal jackknife."""
    ranking = Ranking(-p, groups)
    labels = y[ranking.order]
    ones = running(labels)
    hits = ones[ranking.stop] - ones[ranking.origin]
    seen = (ranking.stop - ranking.origin).astype(np.float64)
    precision_at = hits / seen
    positives = groups.total(y)
    weight = (ones[ranking.stop] - ones[ranking.start]) / seen
    at_or_after = _later(weight, ranking, groups)
    cost_after = _later(weight * precision_at, ranking, groups)
    own, gain, cost = (np.empty_like(p) for _ in range(3))
    own[ranking.order] = precision_at[ranking.block]
    gain[ranking.order] = at_or_after
    cost[ranking.order] = cost_after
    value = groups.total(own * y) / positives
    influence = (y * (own - groups.spread(value) + gain) - cost) / groups.spread(positives)
    return Estimate(value, influence, positives)


def _later(weight: Floats, ranking: Ranking, groups: Groups) -> Floats:
    """Per row, the sum of `weight` over its own tie block and all later blocks of its group."""
    sums = running(weight)
    if groups.codes is None:
        return np.asarray((sums[-1] - sums[:-1])[ranking.block])
    member = groups.codes[ranking.order[ranking.start]]
    ends = np.searchsorted(member, member, side="right")
    return np.asarray((sums[ends] - sums[:-1])[ranking.block])
