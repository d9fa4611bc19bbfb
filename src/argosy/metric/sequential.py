"""Means of two arms compared again and again: an interval that holds at every look at once.

A fixed-sample interval that is looked at after every row excludes the truth sooner or later, whatever its level. The
one here is a confidence sequence: with probability 1 - alpha it holds the true difference at all times together, so a
test may end as soon as it excludes a value. It is Robbins' normal mixture (Annals of Mathematical Statistics 41 (1970)
1397), as the mixture sequential probability ratio test of A/B tests uses it (Johari, Koomen, Pekelis, Walsh, Operations
Research 70 (2022) 1806), with the variance estimated as in the asymptotic confidence sequences of Waudby-Smith, Arbour,
Sinha, Kennedy, Ramdas (Annals of Statistics 52 (2024) 2613, Theorem 2.2). It is asymptotic: the first look must have
enough observations for means to be near normal.
"""

from __future__ import annotations

import math

import msgspec

from argosy.metric.groups import Floats

_TIGHTEST = 1_000.0
"""At how many observations of both arms the interval is the tightest for its level."""


class Contrast(msgspec.Struct, frozen=True):
    """The mean of one arm minus that of another, with the interval that holds at every look."""

    difference: float
    low: float
    high: float


def contrast(a: Floats, a_rows: Floats, b: Floats, b_rows: Floats, alpha: float) -> Contrast:
    """Mean of arm `a` minus mean of arm `b`, at level 1 - `alpha`; both have two observations at least.

    An observation is a unit that was assigned to its arm as a whole: the sum of its rows' values ([units]) and how many
    rows those are ([units]). Means are over rows; rows of one unit may depend on one another, units not.
    """
    (one, one_variance), (two, two_variance) = _mean(a, a_rows), _mean(b, b_rows)
    ratio = _spread(alpha) * (len(a) + len(b)) / _TIGHTEST
    boundary = (1.0 + 1.0 / ratio) * (2.0 * math.log(1.0 / alpha) + math.log1p(ratio))
    half = math.sqrt((one_variance + two_variance) * boundary)
    return Contrast(one - two, one - two - half, one - two + half)


def _mean(sums: Floats, rows: Floats) -> tuple[float, float]:
    """The mean over rows and its variance, of units that are independent (the ratio estimator, linearised)."""
    count, total = len(sums), float(rows.sum())
    mean = float(sums.sum()) / total
    return mean, float(((sums - mean * rows) ** 2).sum()) / total**2 * count / (count - 1)


def _spread(alpha: float) -> float:
    """The variance of the mixture, in that of the difference at `_TIGHTEST`, which makes the interval tightest there.

    Waudby-Smith et al. (2024), appendix B.2, without the lower branch of Lambert's function.
    """
    return 2.0 * math.log(1.0 / alpha) + math.log(2.0 * math.log(1.0 / alpha) + 1.0)
