"""Means of two arms compared again and again: an interval that holds at every look at once.

A fixed-sample interval that is looked at after every row excludes the truth sooner or later, whatever its level. The
one here is a confidence sequence: with probability 1 - alpha it holds the true difference at all times together, so a
test may end as soon as it excludes a value. It is Robbins' normal mixture (Annals of Mathematical Statistics 41 (1970)
1397), as the mixture sequential probability ratio test of A/B tests uses it (Johari, Koomen, Pekelis, Walsh, Operations
Research 70 (2022) 1806), with the variance estimated as in the asymptotic confidence sequences of Waudby-Smith, Arbour,
Sinha, Kennedy, Ramdas (Annals of Statistics 52 (2024) 2613, Theorem 2.2). It is asymptotic: what a small arm shows of
its variance is too little where losses are skewed, as it has not seen the rare large ones yet, and an interval by that
alone errs in up to a third of all tests. So neither arm counts as less varied than both are together: the larger one
has seen them.
"""

from __future__ import annotations

import math

import msgspec

from argosy.metric.groups import Floats

_TIGHTEST = 1_000.0
"""At how many observations of both arms the interval is the tightest for its level."""


_NOISE = 1e-24
"""Variance that is the rounding of sums, in squares of the means."""


class Contrast(msgspec.Struct, frozen=True):
    """The mean of one arm minus that of another, with the interval that holds at every look."""

    difference: float
    low: float
    high: float


def contrast(a: Floats, a_rows: Floats, b: Floats, b_rows: Floats, alpha: float) -> Contrast:
    """Mean of arm `a` minus mean of arm `b`, at level 1 - `alpha`; both have two observations at least.

    An observation is a unit that was assigned to its arm as a whole: the sum of its rows' values ([units]) and how many
    rows those are ([units]). Means are over rows; rows of one unit may depend on one another, units not. Where no value
    differs from another, nothing is known of how they vary, and the interval has no ends.
    """
    (one, one_square), (two, two_square) = _mean(a, a_rows), _mean(b, b_rows)
    together = (one_square * len(a) + two_square * len(b)) / (len(a) + len(b))
    variance = _variance(a_rows, max(one_square, together)) + _variance(b_rows, max(two_square, together))
    if variance <= _NOISE * (one**2 + two**2):
        return Contrast(one - two, -math.inf, math.inf)
    ratio = _spread(alpha) * (len(a) + len(b)) / _TIGHTEST
    boundary = (1.0 + 1.0 / ratio) * (2.0 * math.log(1.0 / alpha) + math.log1p(ratio))
    half = math.sqrt(variance * boundary)
    return Contrast(one - two, one - two - half, one - two + half)


def _mean(sums: Floats, rows: Floats) -> tuple[float, float]:
    """The mean over rows, and the mean square of what units, which are independent, are off by it."""
    mean = float(sums.sum() / rows.sum())
    return mean, float(((sums - mean * rows) ** 2).mean())


def _variance(rows: Floats, square: float) -> float:
    """That of the mean over rows of units that are off by `square` on average (the ratio estimator, linearised)."""
    count = len(rows)
    return square * count / float(rows.sum()) ** 2 * count / (count - 1)


def _spread(alpha: float) -> float:
    """The variance of the mixture, in that of the difference at `_TIGHTEST`, which makes the interval tightest there.

    Waudby-Smith et al. (2024), appendix B.2, without the lower branch of Lambert's function.
    """
    return 2.0 * math.log(1.0 / alpha) + math.log(2.0 * math.log(1.0 / alpha) + 1.0)
