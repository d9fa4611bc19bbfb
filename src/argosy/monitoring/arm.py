"""One side of a rollout, the verdict on the new version, and what failures alone say of it."""

from __future__ import annotations

import math
from typing import Literal

import msgspec
import numpy as np
import numpy.typing as npt

Verdict = Literal["continue", "promote", "roll back"]


class Arm(msgspec.Struct, frozen=True):
    """What one version did: labels `y` and predictions `p` of its labelled rows, rows answered, rows it failed on."""

    y: npt.NDArray[np.float64]
    p: npt.NDArray[np.float64]
    answered: int
    failed: int = 0

    @property
    def asked(self) -> int:
        """Rows that it was to answer."""
        return self.answered + self.failed


class Judgement(msgspec.Struct, frozen=True):
    """A verdict with its evidence: `gain` is how much better the new version scores (positive is better)."""

    verdict: Verdict
    reason: str
    gain: float
    low: float
    high: float
    p_value: float
    canary_rows: int
    champion_rows: int


def failing(
    canary: Arm, champion: Arm, errors: float, alpha: float, minimum_rows: int, baked: bool, waited: bool
) -> tuple[Verdict, str] | None:
    """The verdict on a version that fails, and why; None where its failures say nothing against it yet.

    It is rolled back where it failed on more than the share `errors` of its rows and on a larger share than the
    champion, as soon as chance does not explain the difference (Fisher's exact test, one-sided, under `alpha`). Else it
    goes on, and is rolled back all the same once it is `baked` and was asked for `minimum_rows`; asked for fewer, it
    goes on until it has `waited`. A champion without rows counts as faultless.
    """
    worse = not champion.asked or canary.failed * champion.asked > champion.failed * canary.asked
    if canary.failed <= errors * canary.asked or not worse:
        return None
    chance = _fisher(canary.failed, canary.asked, champion.failed, champion.asked)
    told = (
        f"{failed(canary)}, of the champion's {champion.failed} of {champion.asked}; "
        f"{errors:.3g} of them may (p = {chance:.2g})"
    )
    if chance < alpha or waited or (baked and canary.asked >= minimum_rows):
        return "roll back", told
    return ("continue", f"{told}, which fewer than {minimum_rows} rows cannot decide") if baked else None


def failed(canary: Arm) -> str:
    """How many rows the new version failed on, in words."""
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
