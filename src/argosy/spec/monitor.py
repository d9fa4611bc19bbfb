"""Monitors: what is watched of a member while it serves."""

from __future__ import annotations

from typing import Literal

from argosy.spec import check, duration
from argosy.spec.declared import Declared
from argosy.spec.metric import METRICS


class Drift(Declared, frozen=True, tag="drift", tag_field="kind"):
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
        check.put(self, "window", duration.canonical(self.window, "Drift.window"))
        super().__post_init__()
        check.between("Drift.limit", self.limit, 0, 1e6)
        check.between("Drift.minimum_rows", self.minimum_rows, 1, 1e9)


class Performance(Declared, frozen=True, tag="performance", tag_field="kind"):
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
        check.put(self, "window", duration.canonical(self.window, "Performance.window"))
        super().__post_init__()
        check.member("Performance.metric", self.metric, METRICS)
        check.ordered("Performance", self.minimum, self.maximum)
        check.between("Performance.minimum_rows", self.minimum_rows, 1, 1e9)
        if self.drop is not None:
            check.between("Performance.drop", self.drop, 0, 1e9)
        if self.minimum is None and self.maximum is None and self.drop is None:
            raise check.fail("Performance", self.metric, "given minimum, maximum or drop",
                             f"Performance({self.metric!r}, drop=0.05)")  # fmt: skip


Monitor = Drift | Performance
