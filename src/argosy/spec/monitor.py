"""Monitors: what is watched of a member while it serves."""

from __future__ import annotations

from typing import Annotated, Literal

from argosy.spec import check, duration
from argosy.spec.declared import Declared
from argosy.spec.duration import Duration
from argosy.spec.limit import between
from argosy.spec.metric import Metric


class Drift(Declared, frozen=True, tag="drift", tag_field="kind"):
    """Distance between a member's live rows of the last `window` and the rows it was trained on.

    `on`: `features` (each one, weighted by how much the model leans on it) or `prediction`. Beyond `limit` the member
    counts as drifted, if the distance is more than its number of rows explains.
    """

    statistic: Literal["psi", "js", "ks", "wasserstein", "chi2"] = "psi"
    limit: Annotated[float, between(0, 10**6)] = 0.2
    window: Duration = "7d"
    on: Literal["features", "prediction"] = "features"
    minimum_rows: Annotated[int, between(1, 10**9)] = 100

    def __post_init__(self) -> None:
        check.put(self, "window", duration.canonical(self.window, "Drift.window"))
        super().__post_init__()


class Performance(Declared, frozen=True, tag="performance", tag_field="kind"):
    """A score over the rows of the last `window` whose label has arrived.

    Degraded: below `minimum` or above `maximum`, or worse than the held-out score at training by more than `drop`.
    """

    metric: Metric
    minimum: float | None = None
    maximum: float | None = None
    drop: Annotated[float, between(0, 10**9)] | None = None
    window: Duration = "14d"
    minimum_rows: Annotated[int, between(1, 10**9)] = 100

    def __post_init__(self) -> None:
        check.put(self, "window", duration.canonical(self.window, "Performance.window"))
        super().__post_init__()
        check.ordered("Performance", self.minimum, self.maximum)
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

    limit: Annotated[float, between(0, 1)] = 0.1
    window: Duration = "7d"
    minimum_rows: Annotated[int, between(1, 10**9)] = 100

    def __post_init__(self) -> None:
        check.put(self, "window", duration.canonical(self.window, "Quality.window"))
        super().__post_init__()


class Skew(Declared, frozen=True, tag="skew", tag_field="kind"):
    """Values of features that were served, against what training would join for the same row and moment.

    Of the newest `rows` answered rows of the last `window` whose label has arrived, all members together, at most the
    share `limit` may differ in a feature, give or take what chance explains. Measured when as many are new as the last
    time, once an hour at most. A fleet that declares no such monitor is watched with the defaults; a `limit` of 1 is
    never passed.
    """

    limit: Annotated[float, between(0, 1)] = 0.02
    window: Duration = "7d"
    rows: Annotated[int, between(1, 100_000)] = 5000

    def __post_init__(self) -> None:
        check.put(self, "window", duration.canonical(self.window, "Skew.window"))
        super().__post_init__()


class Attribution(Declared, frozen=True, tag="attribution", tag_field="kind"):
    """What the version that answers leans on, against what it leant on over rows of its training.

    Of its answered rows, the inference server explains a `share`, drawn by lot, and records the contributions. Of those
    of the last `window`, the `rows` newest count, once an hour at most: each feature's share of the contributions is
    held against its share over as many rows of the training set. Where fewer than `minimum_rows` are recorded, the
    newest answered rows are explained instead. Beyond `limit`: half the sum of the differences, from 0 to 1, is larger
    than that.
    """

    limit: Annotated[float, between(0, 1)] = 0.25
    window: Duration = "7d"
    rows: Annotated[int, between(1, 10_000)] = 200
    minimum_rows: Annotated[int, between(1, 10_000)] = 50
    share: Annotated[float, between(0, 1)] = 0.01

    def __post_init__(self) -> None:
        check.put(self, "window", duration.canonical(self.window, "Attribution.window"))
        super().__post_init__()
        if self.minimum_rows > self.rows:
            raise check.fail("Attribution.minimum_rows", self.minimum_rows, f"at most rows={self.rows}",
                             f"Attribution(rows={self.minimum_rows})")  # fmt: skip


Monitor = Drift | Performance | Quality | Skew | Attribution
MONITORS = (Drift, Performance, Quality, Skew, Attribution)
"""Their classes, as `isinstance` asks for them."""
