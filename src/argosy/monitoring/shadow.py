"""Judge a shadow against the champion on the same rows."""

from __future__ import annotations

import math

from argosy.metric import compare, known
from argosy.monitoring.arm import Arm, Judgement, Verdict, failed, failing


def judge(
    shadow: Arm, champion: Arm, metric: str, *, baked: bool, waited: bool = False, apart: float = math.nan,
    paired: int = 0, difference: float | None = None, minimum_rows: int = 50, errors: float = 0.01,
    level: float = 0.99,
) -> Judgement:  # fmt: skip
    """Whether a shadow goes on, is promoted, or is rejected.

    Both arms hold the labels of the same rows, in the same order: those that both scored and whose label is known.
    `paired` rows were scored by both, labelled or not, and their predictions are `apart` on average (in absolute
    value). The first rule that applies decides:

    1. It scored no row: it goes on, and is promoted once it has `waited` for one long enough.
    2. Its failures speak against it, or may: see `failing`, at 1 - level.
    3. `minimum_rows` labelled rows, and the whole interval of the gain at `level` is below zero: rejected. The interval
       is that of a paired comparison, which rows alone that both scored allow.
    4. It is `baked`, and over `minimum_rows` rows its predictions are further `apart` than `difference`: rejected.
    5. It goes on until it is `baked`, and then is promoted.
    """
    rows, gain, low, high, p_value = len(shadow.y), math.nan, math.nan, math.nan, math.nan
    if rows:
        found = compare(metric, shadow.y, shadow.p, champion.p, level)
        gain, p_value = known(metric).gain(found.a, found.b), found.p_value
        low, high = sorted(known(metric).gain(bound, 0.0) for bound in (found.low, found.high))
    told = f"predictions {apart:.4g} apart on {paired} rows; {failed(shadow)}"
    verdict: Verdict = "promote" if baked else "continue"
    if not shadow.asked:
        verdict = "promote" if waited else "continue"
        reason = "it scored no row, so only its gates speak for it" if waited else "it scored no row yet"
    elif worse := failing(shadow, champion, errors, 1.0 - level, minimum_rows, baked, waited):
        verdict, reason = worse
    elif rows < minimum_rows or math.isnan(low + high):
        reason = f"{rows} of {minimum_rows} labelled rows that both scored, {told}"
    else:
        reason = f"{metric} gain {gain:+.4f} ({low:+.4f} to {high:+.4f}) on the same {rows} labelled rows, {told}"
        verdict = "roll back" if high < 0.0 else verdict
    if verdict == "promote" and difference is not None and paired >= minimum_rows and apart > difference:
        verdict, reason = "roll back", f"{reason}; at most {difference:.4g} is allowed"
    return Judgement(verdict, reason, gain, low, high, p_value, rows, rows)
