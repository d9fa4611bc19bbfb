"""Judge a canary against the champion, each on its own rows."""

from __future__ import annotations

import math
from typing import Literal

import msgspec
import numpy as np
import numpy.typing as npt

from argosy.metric import known, measure
from argosy.metric.tail import normal_quantile, normal_tails, poisson_tail

Verdict = Literal["continue", "promote", "roll back"]


class Arm(msgspec.Struct, frozen=True):
    """What one route did: labels `y` and predictions `p` of its labelled rows, rows answered, requests failed."""

    y: npt.NDArray[np.float64]
    p: npt.NDArray[np.float64]
    answered: int
    failed: int = 0


class Judgement(msgspec.Struct, frozen=True):
    """A verdict with its evidence: `gain` is how much better the canary scores (positive is better)."""

    verdict: Verdict
    reason: str
    gain: float
    low: float
    high: float
    p_value: float
    canary_rows: int
    champion_rows: int


def judge(
    canary: Arm,
    champion: Arm,
    metric: str,
    *,
    baked: bool,
    minimum_rows: int = 100,
    tolerance: float = 0.0,
    level: float = 0.99,
) -> Judgement:
    """Whether a canary goes on, is promoted, or is rolled back.

    - Roll back at once when requests fail more often than the champion's (Poisson tail under 1 - level), or when the
      whole interval of the gain at `level` is worse than -`tolerance`.
    - Continue until `baked` and until both arms have `minimum_rows` labelled rows.
    - Then promote: it passed its gates before, and nothing seen speaks against it.

    Arms hold different rows, so their variances add. A canary is judged again and again while it bakes, and each
    look may err: hence a level of 0.99, not 0.95.
    """
    score = known(metric)
    one, two = measure(metric, canary.y, canary.p, level), measure(metric, champion.y, champion.p, level)
    gain = score.gain(one.value, two.value)
    half = math.hypot((one.high - one.low) / 2.0, (two.high - two.low) / 2.0)
    error = half / normal_quantile(level)
    p_value = float(normal_tails(gain / error)) if error > 0.0 else math.nan
    verdict, reason = _failures(canary, champion, 1.0 - level)
    if not reason:
        if min(one.rows, two.rows) < minimum_rows:
            reason = f"{one.rows} canary and {two.rows} champion rows have labels; {minimum_rows} are needed"
        elif math.isnan(half):
            missing = one.reason or two.reason or f"{metric} needs two rows for an interval"
            verdict, reason = _bake(baked, f"nothing to compare: {missing}")
        else:
            verdict, reason = _scores(metric, gain, half, tolerance, baked)
    return Judgement(verdict, reason, gain, gain - half, gain + half, p_value, one.rows, two.rows)


def _failures(canary: Arm, champion: Arm, alpha: float) -> tuple[Verdict, str]:
    asked = canary.answered + canary.failed
    others = champion.answered + champion.failed
    if not asked or not canary.failed:
        return "continue", ""
    share = asked / (asked + others)
    chance = float(poisson_tail(canary.failed, (canary.failed + champion.failed) * share))
    worse = canary.failed * others > champion.failed * asked
    if others and worse and chance < alpha:
        return "roll back", (
            f"{canary.failed} of {asked} canary requests failed against {champion.failed} of {others} "
            f"(p = {chance:.2g})"
        )
    return "continue", ""


def _scores(metric: str, gain: float, half: float, tolerance: float, baked: bool) -> tuple[Verdict, str]:
    seen = f"{metric} gain {gain:+.4f} ({gain - half:+.4f} to {gain + half:+.4f})"
    if gain + half < -tolerance:
        return "roll back", f"{seen}: worse than the champion by more than {tolerance:g}"
    return _bake(baked, seen)


def _bake(baked: bool, seen: str) -> tuple[Verdict, str]:
    return ("promote", f"{seen}: baked, and nothing speaks against it") if baked else ("continue", f"{seen}: baking")
