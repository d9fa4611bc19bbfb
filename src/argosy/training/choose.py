"""Who answers for a member, its own model or the pooled one: a decision with its reason in words."""

from __future__ import annotations

import math

import msgspec

from argosy.metric import Comparison, known
from argosy.metric.tail import normal_quantile

LEVEL = 0.95
"""The level of the intervals that training records."""


class Choice(msgspec.Struct, frozen=True):
    """`own` says whether the member's own model answers; `reason` why, with the figures."""

    own: bool
    reason: str


def choose(
    comparison: Comparison | None, *, why_none: str = "the fleet has no pooled model", rival: str = "pooled"
) -> Choice:
    """Decide from the comparison of own (`a`) with pooled (`b`, which `rival` names) on the same held-out rows.

    The own model answers if it is better by more than one standard error of the paired difference: the pooled
    model is simpler to keep, so it wins ties. Without a comparison, for the reason given, the own model answers.
    """
    if comparison is None:
        return Choice(True, f"own model: {why_none}")
    if comparison.reason or math.isnan(comparison.difference):
        return Choice(False, f"pooled model: the two cannot be compared, {comparison.reason or 'no difference'}")
    gain = known(comparison.name).gain(comparison.a, comparison.b)
    error = standard_error(comparison)
    own = gain > error if error > 0.0 else gain > 0.0
    return Choice(own, f"{'own' if own else 'pooled'} model: {_figures(comparison, gain, error, rival)}")


def standard_error(comparison: Comparison) -> float:
    """The standard error of the paired difference, from its interval at `LEVEL`; 0 where it is not known."""
    error = (comparison.high - comparison.low) / (2.0 * normal_quantile(LEVEL))
    return 0.0 if math.isnan(error) else error


def _figures(comparison: Comparison, gain: float, error: float, rival: str) -> str:
    name = comparison.name.replace("_", "-")
    side = "better" if gain > 0 else "worse" if gain < 0 else "equal"
    return (
        f"{name} of own {comparison.a:.3f} vs {rival} {comparison.b:.3f} on {comparison.rows} rows "
        f"(own {side} by {abs(gain):.3f}, one standard error {error:.3f})"
    )
