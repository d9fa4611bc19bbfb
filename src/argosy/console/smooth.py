"""Curves without their noise."""

from __future__ import annotations

from collections.abc import Iterable

from argosy.errors import UsageError

MOST = 0.999


def check(weight: float) -> float:
    """A weight for `ema`. Raises UsageError for one that is not between 0 and `MOST`."""
    if not 0.0 <= weight <= MOST:
        raise UsageError(f"smoothing {weight:g} is not between 0 and {MOST}", next="write smooth=0.6, or leave it out")
    return weight


def ema(values: Iterable[float], weight: float) -> list[float]:
    """The exponential moving average of some values, each past one weighing `weight` times the one after it.

    It is corrected for its start from zero (Kingma and Ba 2015, section 3), so that the first is the first value
    itself. NaN stays NaN and weighs nothing.
    """
    found, mean, whole = [], 0.0, 0.0
    for value in values:
        if value != value:
            found.append(value)
            continue
        mean = weight * mean + (1 - weight) * value
        whole = weight * whole + (1 - weight)
        found.append(mean / whole)
    return found
