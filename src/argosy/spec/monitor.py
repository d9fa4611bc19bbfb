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


class Quality(Declared, frozen=True, tag="quality", tag_field="kind"):
    """Bad values among a member's live rows of the last `window`.

    A null is one, a number beyond the range of the training rows, and a category that those never held. Beyond `limit`:
    the share of rows with a bad value of one feature is larger than among the rows that the member was trained on by
    more than that, and by more than its number of rows explains. A fleet that declares no such monitor is watched with
    the defaults; a `limit` of 1 is never passed.
    """

    limit: float = 0.1
    window: str = "7d"
    minimum_rows: int = 100

    def __post_init__(self) -> None:
        check.put(self, "window", duration.canonical(self.window, "Quality.window"))
        super().__post_init__()
        check.between("Quality.limit", self.limit, 0, 1)
        check.between("Quality.minimum_rows", self.minimum_rows, 1, 1e9)


class Skew(Declared, frozen=True, tag="skew", tag_field="kind"):
    """Values of features that were served, against what training would join for the same row and moment.

    Of the newest `rows` answered rows of the last `window` whose label has arrived, all members together, at most the
    share `limit` may differ in a feature, give or take what chance explains. Measured when as many are new as the last
    time, once an hour at most. A fleet that declares no such monitor is watched with the defaults; a `limit` of 1 is
    never passed.
    """

    limit: float = 0.02
    window: str = "7d"
    rows: int = 5000

    def __post_init__(self) -> None:
        check.put(self, "window", duration.canonical(self.window, "Skew.window"))
        super().__post_init__()
        check.between("Skew.limit", self.limit, 0, 1)
        check.between("Skew.rows", self.rows, 1, 100_000)


Monitor = Drift | Performance | Quality | Skew
MONITORS = (Drift, Performance, Quality, Skew)
"""Their classes, as `isinstance` asks for them."""
