"""What training hands back: of one member from a worker, and of a whole call."""

from __future__ import annotations

from typing import Any

import msgspec

from argosy.metric import Comparison, Measure
from argosy.training.choose import Choice
from argosy.training.interval import Calibrated
from argosy.training.quantile import Told

BINS = 200
"""Bins of a histogram of predictions."""


class Trial(msgspec.Struct, frozen=True):
    """One candidate with one setting on the folds: its score, or the error it died of.

    One that was picked and has no portable form has both.
    """

    candidate: str
    settings: dict[str, Any]
    score: float | None = None
    error: str = ""


class Histogram(msgspec.Struct, frozen=True):
    """Counts of predictions in `BINS` equal bins from `low` to `high`; what lies outside is in the end bins."""

    low: float
    high: float
    counts: tuple[int, ...]


class Sliced(msgspec.Struct, frozen=True):
    """The held-out rows of one value of a slice: how many, the means of labels and predictions, and scores by name.

    A score is (value, low, high) with the bounds of its 95 % interval; one that is undefined on the rows is left out.
    """

    value: str
    rows: int
    label: float
    prediction: float
    scores: dict[str, tuple[float, float, float]]


class Evaluation(msgspec.Struct, frozen=True):
    """A model on its held-out rows.

    `comparisons` maps a rival (`champion`, `pooled`) to paired comparisons of this model (`a`) with it (`b`);
    `uncompared` says for a rival why there are none; `rivals` are the predictions of
    those that were compared. `slices` has the commonest values of each slice, most rows first. Latencies are of one
    row, in milliseconds of CPU.
    """

    scores: tuple[Measure, ...]
    comparisons: dict[str, tuple[Comparison, ...]]
    uncompared: dict[str, str]
    latency_p50_ms: float
    latency_p99_ms: float
    predictions: Histogram
    rivals: dict[str, Histogram] = {}
    slices: dict[str, tuple[Sliced, ...]] = {}


class Fitted(msgspec.Struct, frozen=True):
    """A member's new model with its evidence; `data` are its portable bytes.

    `importance` is each feature's share, in the order of the signature. `train_rows` and `span` (microseconds since
    1970) are of the rows it was fitted on, `held_out` and `held_out_span` of those it was scored on. `proof` is the
    largest difference seen between the portable model and the estimator. `cost` maps a phase to CPU seconds. `interval`
    is there where the fleet declares one, and so are `quantiles`.
    """

    format: str
    data: bytes
    signature: bytes
    candidate: str
    settings: dict[str, Any]
    trials: tuple[Trial, ...]
    evaluation: Evaluation
    choice: Choice
    importance: tuple[float, ...]
    train_rows: int
    held_out: int
    span: tuple[int, int]
    held_out_span: tuple[int, int]
    trained: Histogram
    proof: float
    warnings: tuple[str, ...]
    cost: dict[str, float]
    interval: Calibrated | None = None
    quantiles: Told | None = None


class NoModel(msgspec.Struct, frozen=True):
    """A member whose rows leave nothing to learn or nothing to measure, and why."""

    reason: str
