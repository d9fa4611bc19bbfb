"""One score with its interval, and two scores compared on the same rows."""

from __future__ import annotations

import math

import msgspec
import numpy as np
import numpy.typing as npt

from argosy.metric.estimate import Estimate
from argosy.metric.groups import Floats, Groups
from argosy.metric.score import Score, estimate, known, rows
from argosy.metric.tail import normal_quantile, normal_tails
from argosy.spec.quantity import plural


class Measure(msgspec.Struct, frozen=True):
    """A score's value with its confidence interval; `reason` says why the value is NaN, else it is empty."""

    name: str
    value: float
    low: float
    high: float
    rows: int
    reason: str = ""


class Comparison(msgspec.Struct, frozen=True):
    """Score `a` minus score `b` with its interval and two-sided p-value; positive means a scores higher."""

    name: str
    a: float
    b: float
    difference: float
    low: float
    high: float
    p_value: float
    rows: int
    reason: str = ""


def score(name: str, y: npt.ArrayLike, p: npt.ArrayLike) -> float:
    """The score of predictions `p` for labels `y`, or NaN where it is undefined (`measure` says why)."""
    return float(_one(known(name), y, p)[1].value[0])


def measure(name: str, y: npt.ArrayLike, p: npt.ArrayLike, level: float = 0.95) -> Measure:
    """The score with its interval at `level`, and the reason where it is undefined."""
    what = known(name)
    groups, found = _one(what, y, p)
    low, high = bounds(what, found, groups, level)
    count, value = int(groups.rows[0]), float(found.value[0])
    return Measure(name, value, float(low[0]), float(high[0]), count, _reason(what, value, count))


def interval(name: str, y: npt.ArrayLike, p: npt.ArrayLike, level: float = 0.95) -> tuple[float, float]:
    """The confidence interval of a score.

    AUC: DeLong. Accuracy, precision, recall: Wilson's score interval (JASA 22 (1927) 209-212). All others:
    normal, with the standard error of the mean, the delta method, or the infinitesimal jackknife.
    """
    what = known(name)
    groups, found = _one(what, y, p)
    low, high = bounds(what, found, groups, level)
    return float(low[0]), float(high[0])


def compare(name: str, y: npt.ArrayLike, a: npt.ArrayLike, b: npt.ArrayLike, level: float = 0.95) -> Comparison:
    """Compare predictions `a` with `b` on the same rows (paired: DeLong for AUC, row differences otherwise)."""
    what = known(name)
    groups, first = _one(what, y, a)
    second = _one(what, y, b)[1]
    low, high, p_value = contrast(first, second, groups, level)
    one, two, count = float(first.value[0]), float(second.value[0]), int(groups.rows[0])
    reason = _reason(what, one + two, count)
    return Comparison(name, one, two, one - two, float(low[0]), float(high[0]), float(p_value[0]), count, reason)


def bounds(score: Score, found: Estimate, groups: Groups, level: float) -> tuple[Floats, Floats]:
    """The interval of each group's value: [groups], [groups].

    Where all rows agree the variance is 0 though the sample is small (an AUC of exactly 1): then Wilson's
    interval on `trials` (for AUC the rows of the smaller class) stands in for bounded scores.
    """
    z = normal_quantile(level)
    with np.errstate(divide="ignore", invalid="ignore"):
        if score.wilson:
            return wilson(found.value, found.trials, z)
        variance = groups.total(found.influence**2)
        half = z * np.sqrt(variance)
        low = np.clip(found.value - half, *score.bounds)
        high = np.clip(found.value + half, *score.bounds)
        if score.bounds == (0.0, 1.0) and not (variance > 0.0).all():
            flat = ~(variance > 0.0)
            least, most = wilson(found.value, found.trials, z)
            low, high = np.where(flat, least, low), np.where(flat, most, high)
        return low, high


def wilson(share: Floats, trials: Floats, z: float) -> tuple[Floats, Floats]:
    """Wilson's score interval of a proportion, elementwise."""
    scale = 1.0 + z * z / trials
    centre = (share + z * z / (2.0 * trials)) / scale
    half = z / scale * np.sqrt(share * (1.0 - share) / trials + z * z / (4.0 * trials * trials))
    return np.maximum(centre - half, 0.0), np.minimum(centre + half, 1.0)


def contrast(a: Estimate, b: Estimate, groups: Groups, level: float) -> tuple[Floats, Floats, Floats]:
    """Interval and two-sided normal p-value of a - b per group, from paired influences."""
    difference = a.value - b.value
    error = np.sqrt(groups.total((a.influence - b.influence) ** 2))
    with np.errstate(divide="ignore", invalid="ignore"):
        z = np.where((difference == 0.0) & (error == 0.0), 0.0, difference / error)
    half = normal_quantile(level) * error
    return difference - half, difference + half, normal_tails(z)


def _one(score: Score, y: npt.ArrayLike, p: npt.ArrayLike) -> tuple[Groups, Estimate]:
    labels = rows("labels", y)
    groups = Groups(len(labels))
    return groups, estimate(score, labels, rows("predictions", p, len(labels)), groups)


def _reason(score: Score, value: float, count: int) -> str:
    if not math.isnan(value):
        return ""
    return f"{score.name} needs {score.needs if count else 'a row'} ({plural(count, 'row')} given)"
