"""Gates: what a version must meet before it may answer traffic."""

from __future__ import annotations

from typing import Annotated, Literal

from argosy.spec import check
from argosy.spec.declared import Declared
from argosy.spec.limit import between, one_of
from argosy.spec.metric import COST, METRICS, SPREAD


class Gate(Declared, frozen=True, tag="gate", tag_field="kind"):
    """A limit on a score of the held-out rows, or a comparison on the same rows.

    `minimum` / `maximum` bound the score (of quantiles: pinball) or a cost: latency_p99_ms, size_kb. `beats` asks that
    it be better than the `champion`'s, or the `pooled` model's, by at least `by`; a version without a rival passes.
    """

    metric: Annotated[str, one_of(METRICS | SPREAD | COST)]
    minimum: float | None = None
    maximum: float | None = None
    beats: Literal["champion", "pooled"] | None = None
    by: Annotated[float, between(0, 10**9)] = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        check.ordered("Gate", self.minimum, self.maximum)
        if self.beats is not None:
            if self.minimum is not None or self.maximum is not None:
                raise check.fail("Gate.beats", self.beats, "alone, without minimum and maximum", "write two gates")
            if self.metric not in METRICS:
                raise check.fail(
                    "Gate.metric", self.metric, "a score of predictions where beats is set", "use maximum for this one"
                )
        elif self.minimum is None and self.maximum is None:
            raise check.fail(
                "Gate", self.metric, "given minimum, maximum or beats", f"Gate({self.metric!r}, minimum=…)"
            )
        elif self.by:
            raise check.fail("Gate.by", self.by, "given together with beats", "write beats='champion'")

    @property
    def name(self) -> str:
        """How messages and the store call the gate: `roc_auc >= 0.6`, `roc_auc beats champion`."""
        if self.beats:
            return f"{self.metric} beats {self.beats}" + (f" by {self.by:g}" if self.by else "")
        bounds = [(">=", self.minimum), ("<=", self.maximum)]
        return " and ".join(f"{self.metric} {sign} {value:g}" for sign, value in bounds if value is not None)


class Approval(Declared, frozen=True, tag="approval", tag_field="kind"):
    """A person must agree (`argosy approve`); `by` says who is asked."""

    by: str = "an approver"

    @property
    def name(self) -> str:
        """How messages and the store call the gate."""
        return f"approval by {self.by}"
