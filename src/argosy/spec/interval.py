"""Intervals around predicted numbers."""

from __future__ import annotations

from typing import Annotated

from argosy.spec.declared import Declared
from argosy.spec.limit import between


class Interval(Declared, frozen=True):
    """Bounds around each predicted number, within which the truth lies for a share `coverage` of the rows.

    They are as wide on both sides as the held-out rows of the version say: split conformal prediction (Lei et al.,
    "Distribution-Free Predictive Inference for Regression", JASA 113, 2018), which asks nothing of the model. It holds
    on average over all rows of a version, and as long as the rows stay what they were.
    """

    coverage: Annotated[float, between(0.5, 0.999)] = 0.9

    @property
    def metric(self) -> str:
        """The name under which a version's half width is among its metrics: `margin_90`."""
        return f"margin_{100 * self.coverage:g}"
