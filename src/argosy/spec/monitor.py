"""Monitors: what is watched of a member while it serves."""

from __future__ import annotations

from typing import Literal

import msgspec

from argosy.spec import check, duration
from argosy.spec.metric import METRICS

STATISTICS = ("psi", "js", "ks", "wasserstein", "chi2")


class Drift(msgspec.Struct, frozen=True, tag="drift", tag_field="kind", omit_defaults=True):
    """Distance between a member's live rows of the last `window` and the rows it was trained on.

    `on`: `features` (each one, weighted by how much the model leans on it) or `prediction`. Beyond `limit` the member
    counts as drifted, if the distance is more than its number of rows explains.
    """

    statistic: Literal["psi", "js", "ks", "wasserstein", "chi2"] = "psi"
    limit: float = 0.2
    window: str = "7d"
    on: Literal["features", "prediction"] = "features"
    minimum_rows: int = 100

    def __post_init__(self) -> None:
        check.member("Drift.statistic", self.statistic, STATISTICS)
        check.between("Drift.limit", self.limit, 0, 1e6)
        check.put(self, "window", duration.canonical(self.window, "Drift.window"))
        check.member("Drift.on", self.on, ("features", "prediction"))


class Performance(msgspec.Struct, frozen=True, tag="performance", tag_field="kind", omit_defaults=True):
    """A score over the rows of the last `window` whose label has arrived.

    Degraded: below `minimum` or above `maximum`, or worse than the held-out score at training by more than `drop`.
    """

    metric: str
    minimum: float | None = None
    maximum: float | None = None
    drop: float | None = None
    window: str = "14d"
    minimum_rows: int = 100

    def __post_init__(self) -> None:
        check.member("Performance.metric", self.metric, METRICS)
        check.ordered("Performance", self.minimum, self.maximum)
        check.put(self, "window", duration.canonical(self.window, "Performance.window"))
        if self.minimum is None and self.maximum is None and self.drop is None:
            raise check.fail("Performance", self.metric, "given minimum, maximum or drop",
                             f"Performance({self.metric!r}, drop=0.05)")  # fmt: skip


Monitor = Drift | Performance
