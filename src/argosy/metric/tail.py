"""Tail probabilities over arrays, without a statistics library to import.

Source of the formulas: NIST Digital Library of Mathematical Functions, 8.11 (series) and 8.9
(continued fraction, evaluated by Lentz's method) for the incomplete gamma function.
"""

from __future__ import annotations

import math
from functools import lru_cache
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from argosy.metric.groups import Floats

LARGE = 1000.0
_STEPS = 400
_SMALLEST = 1e-300


def chi_square_tail(value: npt.ArrayLike, freedom: npt.ArrayLike) -> Floats:
    """P(X >= value) for chi-square X; 1 where there is no degree of freedom. Shapes broadcast."""
    half = np.asarray(freedom, dtype=np.float64) / 2.0
    value, half = np.broadcast_arrays(np.asarray(value, dtype=np.float64) / 2.0, half)
    return np.where(half > 0.0, upper_gamma(np.where(half > 0.0, half, 1.0), value), 1.0)


def poisson_tail(count: npt.ArrayLike, rate: npt.ArrayLike) -> Floats:
    """P(N >= count) for Poisson N of mean `rate`; 1 for a count of 0. Shapes broadcast."""
    count, rate = np.broadcast_arrays(np.asarray(count, dtype=np.float64), np.asarray(rate, dtype=np.float64))
    return np.where(count > 0.0, _gamma(np.where(count > 0.0, count, 1.0), rate)[0], 1.0)


def normal_tails(z: npt.ArrayLike) -> Floats:
    """P(|Z| >= |z|) for standard normal Z; NaN stays NaN."""
    size = np.abs(np.asarray(z, dtype=np.float64))
    if size.size == 1:
        return np.full(size.shape, math.erfc(float(size.reshape(-1)[0]) / math.sqrt(2.0)))
    safe = np.where(np.isnan(size), 0.0, np.minimum(size, 1e6))
    return np.where(np.isnan(size), np.nan, upper_gamma(np.full(size.shape, 0.5), safe**2 / 2.0))


def upper_gamma(shape: Floats, x: Floats) -> Floats:
    """The regularised upper incomplete gamma function Q(shape, x), elementwise, for x >= 0."""
    return _gamma(shape, x)[1]


@lru_cache(maxsize=64)
def normal_quantile(level: float) -> float:
    """The z with P(|Z| <= z) = level."""
    return NormalDist().inv_cdf(0.5 + level / 2.0)


def _gamma(shape: Floats, x: Floats) -> tuple[Floats, Floats]:
    """Lower and upper regularised incomplete gamma; above a shape of 1000, Wilson and Hilferty's cube root."""
    a, v = np.asarray(shape, dtype=np.float64).ravel(), np.asarray(x, dtype=np.float64).ravel()
    lower, upper = np.empty_like(a), np.empty_like(a)
    big = a > LARGE
    if big.any():
        third = 1.0 / (9.0 * a[big])
        z = (np.cbrt(v[big] / a[big]) - 1.0 + third) / np.sqrt(third)
        two = upper_gamma(np.full(z.shape, 0.5), z**2 / 2.0) / 2.0
        upper[big] = np.where(z > 0.0, two, 1.0 - two)
        lower[big] = np.where(z > 0.0, 1.0 - two, two)
    series = ~big & (v < a + 1.0)
    fraction = ~big & ~series
    lower[series] = _series(a[series], v[series])
    upper[series] = 1.0 - lower[series]
    upper[fraction] = _fraction(a[fraction], v[fraction])
    lower[fraction] = 1.0 - upper[fraction]
    where = np.shape(x)
    return np.clip(lower, 0.0, 1.0).reshape(where), np.clip(upper, 0.0, 1.0).reshape(where)


def _front(a: Floats, x: Floats) -> Floats:
    """x^a e^-x / Gamma(a); numpy has no log-gamma, so it is taken once for each distinct shape."""
    distinct, where = np.unique(a, return_inverse=True)
    logs = np.array([math.lgamma(each) for each in distinct])
    with np.errstate(divide="ignore"):
        return np.asarray(np.exp(a * np.log(x) - x - (logs[where] if len(logs) else 0.0)))


def _series(a: Floats, x: Floats) -> Floats:
    term = 1.0 / a
    total = term.copy()
    for step in range(1, _STEPS):
        term = term * x / (a + step)
        total += term
        if not (term > total * 1e-15).any():
            break
    return _front(a, x) * total


def _fraction(a: Floats, x: Floats) -> Floats:
    b = x + 1.0 - a
    c = np.full_like(b, 1.0 / _SMALLEST)
    d = 1.0 / b
    h = d.copy()
    for step in range(1, _STEPS):
        weight = -step * (step - a)
        b = b + 2.0
        d = weight * d + b
        d = 1.0 / np.where(np.abs(d) < _SMALLEST, _SMALLEST, d)
        c = b + weight / c
        c = np.where(np.abs(c) < _SMALLEST, _SMALLEST, c)
        h = h * d * c
        if not (np.abs(d * c - 1.0) > 1e-15).any():
            break
    return _front(a, x) * h
