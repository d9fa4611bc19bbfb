"""Judge a canary against the champion, each on its own rows."""

from __future__ import annotations

import math
from typing import Literal

import msgspec
import numpy as np
import numpy.typing as npt

from argosy.metric import known, measure
from argosy.metric.tail import normal_quantile, normal_tails

Verdict = Literal["continue", "promote", "roll back"]


class Arm(msgspec.Struct, frozen=True):
    """What one route did: labels `y` and predictions `p` of its labelled rows, rows answered, rows it failed on."""

    y: npt.NDArray[np.float64]
    p: npt.NDArray[np.float64]
    answered: int
    failed: int = 0

    @property
    def asked(self) -> int:
        """Rows that it was to answer."""
        return self.answered + self.failed


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
    waited: bool = False,
    minimum_rows: int = 50,
    errors: float = 0.01,
    level: float = 0.99,
) -> Judgement:
    """Whether a canary goes on, is promoted, or is rolled back. The first rule that applies decides:

    1. It was asked for no row: it goes on, and is promoted once it has `waited` for one long enough.
    2. It failed on more than the share `errors` of its rows, and on a larger share than the champion: rolled back as
       soon as chance does not explain the difference (Fisher's exact test, one-sided, under 1 - level). Otherwise it
       goes on, and is rolled back all the same once it is `baked` and was asked for `minimum_rows`; asked for fewer, it
       goes on until it has `waited`. A canary within `errors`, or no worse than the champion, is never rolled back for
       failing.
    3. Both have `minimum_rows` labelled rows, and the whole interval of the gain at `level` is below zero: rolled back.
    4. It goes on until it is `baked`, and then is promoted: it passed its gates before, and nothing seen speaks against
       it. With fewer labelled rows it was judged by its errors alone, and the reason says so.

    Arms hold different rows, so their variances add. A canary is judged again and again while it bakes, and each
    look may err: hence a level of 0.99, not 0.95.
    """
    score = known(metric)
    one, two = measure(metric, canary.y, canary.p, level), measure(metric, champion.y, champion.p, level)
    gain = score.gain(one.value, two.value)
    half = math.hypot((one.high - one.low) / 2.0, (two.high - two.low) / 2.0)
    error = half / normal_quantile(level)
    p_value = float(normal_tails(gain / error)) if error > 0.0 else math.nan
    few = min(one.rows, two.rows) < minimum_rows
    verdict: Verdict = "promote" if baked else "continue"
    if not canary.asked:
        verdict = "promote" if waited else "continue"
        reason = "it was asked for no row, so only its gates speak for it" if waited else "it was asked for no row yet"
    elif worse := _failing(canary, champion, errors, 1.0 - level, minimum_rows, baked, waited):
        verdict, reason = worse
    elif few or math.isnan(half):
        missing = one.reason or two.reason or f"{metric} needs two rows for an interval"
        seen = f"{one.rows} of {minimum_rows} labelled rows (champion {two.rows})" if few else missing
        reason = f"{seen}, {'judged by its errors alone' if baked else 'so far'}: {_failed(canary)}"
    else:
        reason = f"{metric} gain {gain:+.4f} ({gain - half:+.4f} to {gain + half:+.4f})"
        reason += f" on {one.rows} labelled rows (champion {two.rows}); {_failed(canary)}"
        if gain + half < 0.0:
            verdict = "roll back"
    return Judgement(verdict, reason, gain, gain - half, gain + half, p_value, one.rows, two.rows)


def _failing(
    canary: Arm, champion: Arm, errors: float, alpha: float, minimum_rows: int, baked: bool, waited: bool
) -> tuple[Verdict, str] | None:
    """The verdict on a canary that fails, and why; None where its failures say nothing against it yet.

    A champion without rows counts as faultless.
    """
    worse = not champion.asked or canary.failed * champion.asked > champion.failed * canary.asked
    if canary.failed <= errors * canary.asked or not worse:
        return None
    chance = _fisher(canary.failed, canary.asked, champion.failed, champion.asked)
    told = (
        f"{_failed(canary)}, of the champion's {champion.failed} of {champion.asked}; "
        f"{errors:.3g} of them may (p = {chance:.2g})"
    )
    if chance < alpha or waited or (baked and canary.asked >= minimum_rows):
        return "roll back", told
    return ("continue", f"{told}, which fewer than {minimum_rows} rows cannot decide") if baked else None


def _failed(canary: Arm) -> str:
    return f"{canary.failed} of {canary.asked} rows failed"


def _fisher(failed: int, asked: int, others_failed: int, others: int) -> float:
    """P(X >= failed), X of the failures in both arms those that fall to this one, if both fail alike (Fisher 1935)."""
    total = failed + others_failed
    chosen = _choices(asked, failed) + _choices(others, others_failed) - _choices(asked + others, total)
    term = math.exp(chosen)
    tail = 0.0
    for here in range(failed, min(asked, total) + 1):
        tail += term
        if term < tail * 1e-12:
            break
        term *= (asked - here) * (total - here) / ((here + 1) * (others - total + here + 1))
    return min(tail, 1.0)


def _choices(size: int, taken: int) -> float:
    """The logarithm of the binomial coefficient."""
    return math.lgamma(size + 1) - math.lgamma(taken + 1) - math.lgamma(size - taken + 1)
