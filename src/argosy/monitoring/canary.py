"""Judge a canary against the champion, each on its own rows."""

from __future__ import annotations

import math

from argosy.metric import known, measure
from argosy.metric.tail import normal_quantile, normal_tails
from argosy.monitoring.arm import Arm, Judgement, Verdict, failed, failing


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
    against: str = "",
) -> Judgement:
    """Whether a canary goes on, is promoted, or is rolled back. The first rule that applies decides:

    1. It was asked for no row: it goes on, and is promoted once it has `waited` for one long enough.
    2. Its failures speak against it, or may: see `failing`, at 1 - level. A canary within `errors`, or no worse than
       the champion, is never rolled back for failing.
    3. Something else speaks `against` it, in words: rolled back.
    4. Both have `minimum_rows` labelled rows, and the whole interval of the gain at `level` is below zero: rolled back.
    5. It goes on until it is `baked`, and then is promoted: it passed its gates before, and nothing seen speaks against
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
    elif worse := failing(canary, champion, errors, 1.0 - level, minimum_rows, baked, waited):
        verdict, reason = worse
    elif against:
        verdict, reason = "roll back", against
    elif few or math.isnan(half):
        missing = one.reason or two.reason or f"{metric} needs two rows for an interval"
        seen = f"{one.rows} of {minimum_rows} labelled rows (champion {two.rows})" if few else missing
        reason = f"{seen}, {'judged by its errors alone' if baked else 'so far'}: {failed(canary)}"
    else:
        reason = f"{metric} gain {gain:+.4f} ({gain - half:+.4f} to {gain + half:+.4f})"
        reason += f" on {one.rows} labelled rows (champion {two.rows}); {failed(canary)}"
        if gain + half < 0.0:
            verdict = "roll back"
    return Judgement(verdict, reason, gain, gain - half, gain + half, p_value, one.rows, two.rows)
