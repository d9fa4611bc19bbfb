"""Early exit: a small model answers the rows that it is sure of, the original one the others.

The small model is distilled, and sure where the entropy of its answer is low, as the branches of Teerapittayanon,
McDanel and Kung, "BranchyNet" (ICPR 2016), exit.
"""

from __future__ import annotations

import numpy as np

from argosy.errors import InputError
from argosy.metric import known, measure
from argosy.metric.measure import score
from argosy.model.ensemble import FORMAT, Cascade, pack
from argosy.model.format import Model
from argosy.training.rows import Block

_STEPS = 32


def cascade(
    small: tuple[str, bytes, Model], large: tuple[str, bytes, Model], judges: Block, metric: str, tolerance: float
) -> tuple[str, bytes, Cascade, float]:
    """Two classifiers, each with its format and bytes, as one: format, bytes, the rule, the share that exits early.

    As many of `judges` exit as leave the metric worse than that of the large model alone by at most a share of
    `tolerance`. Raises InputError where their contributions add up in different spaces, where all rows exit, and where
    fewer do than pay for asking both: the part that the small model's bytes are of the large one's.
    """
    if small[2].space != large[2].space:
        raise InputError(
            f"its answers are explained in the space {large[2].space}, those of a small model in {small[2].space}",
            next="distil it: --method distil",
        )
    rule, share = _widest(small[2], large[2], judges, metric, tolerance)
    if share == 1:
        raise InputError(
            f"a small model alone leaves {metric} worse by no more than {tolerance:.2%} on {len(judges.labels)} rows",
            next="distil it: --method distil",
        )
    least = len(small[1]) / len(large[1])
    if share <= least:
        raise InputError(
            f"a small model may answer {share:.0%} of {len(judges.labels)} rows before {metric} is worse by more than "
            f"{tolerance:.2%}, and has {least:.0%} of its size",
            next="allow more with --tolerance, or another small model with --trees",
        )
    return FORMAT, pack(rule, [small[:2], large[:2]]), rule, share


def _widest(small: Model, large: Model, judges: Block, metric: str, tolerance: float) -> tuple[Cascade, float]:
    """The rule by which most rows exit and the metric stays good enough, and their share: at worst, none do."""
    first, whole = small.predict(judges.matrix), large.predict(judges.matrix)
    wanted = measure(metric, judges.labels, whole).value
    margins = np.abs(first - 0.5)
    for margin in np.unique(np.quantile(margins, np.linspace(0, 1, _STEPS))).tolist():
        sure = margins >= margin
        found = score(metric, judges.labels, np.where(sure, first, whole))
        if known(metric).gain(found, wanted) >= -tolerance * abs(wanted):
            return Cascade(0.5 - margin, 0.5 + margin), float(sure.mean())
    return Cascade(0.0, 1.0), 0.0
