"""Decide an A/B test: the losses of two arms, looked at as often as one likes."""

from __future__ import annotations

import math

import msgspec
import numpy as np

from argosy.metric.binary import TINY
from argosy.metric.groups import Floats
from argosy.metric.sequential import contrast
from argosy.monitoring.arm import Arm, Judgement, Verdict, failed, failing

_LEVEL = 0.99


class Units(msgspec.Struct, frozen=True):
    """The labelled observations of an arm: the summed loss of each unit ([units]), and of how many rows ([units])."""

    losses: Floats
    rows: Floats


def loss(metric: str, y: Floats, p: Floats) -> Floats:
    """The loss of each row, of which the metric is the mean (or the root of it): smaller is better, [rows]."""
    found: Floats = p - y
    match metric:
        case "log_loss":
            found = -np.log(np.clip(np.where(y > 0.5, p, 1.0 - p), TINY, 1.0 - TINY))
        case "accuracy":
            found = ((p >= 0.5) != (y > 0.5)).astype(np.float64)
        case "mae":
            found = np.abs(found)
        case _:
            found = found**2
    return found


def judge(
    challenger: Arm, champion: Arm, ours: Units, theirs: Units, metric: str, *, over: bool, alpha: float = 0.05,
    effect: float = 0.0, minimum_rows: int = 100, errors: float = 0.01,
) -> Judgement:  # fmt: skip
    """Whether a test goes on, its challenger is promoted, or the champion stays. The first rule that applies decides:

    1. The failures of the challenger speak against it, or may once the test is `over`: see `failing`, at 0.01.
    2. Both have `minimum_rows` units with a label, and the whole interval of the gain in mean loss lies above `effect`:
       promoted; or below `effect`: the champion stays. The interval holds at 1 - `alpha` at every look together (see
       `sequential`), so however often the test is looked at, a challenger that gains no more than `effect` is promoted
       with a probability of `alpha` at most.
    3. The test is `over`: undecided, and the champion stays. Else it goes on.
    """
    few = min(len(ours.losses), len(theirs.losses))
    gain, low, high = math.nan, math.nan, math.nan
    if few >= 2:
        found = contrast(theirs.losses, theirs.rows, ours.losses, ours.rows, alpha)
        gain, low, high = found.difference, found.low, found.high
    verdict: Verdict = "roll back" if over else "continue"
    end = "undecided, so the champion stays: " if over else ""
    what = f"mean {'square' if metric in ('rmse', 'brier') else metric} gain {gain:+.4g} ({low:+.4g} to {high:+.4g})"
    told = f"{what} on {len(ours.losses)} labelled observations (champion {len(theirs.losses)}); {failed(challenger)}"
    if worse := failing(challenger, champion, errors, 1.0 - _LEVEL, minimum_rows, over, over):
        verdict, reason = worse
    elif few < minimum_rows:
        seen = f"{len(ours.losses)} of {minimum_rows} labelled observations (champion {len(theirs.losses)})"
        reason = f"{end}{seen}: {failed(challenger)}"
    elif low > effect:
        verdict, reason = "promote", told
    elif high < effect:
        verdict, reason = "roll back", told
    else:
        reason = f"{end}{told}"
    return Judgement(verdict, reason, gain, low, high, math.nan, len(ours.losses), len(theirs.losses))
