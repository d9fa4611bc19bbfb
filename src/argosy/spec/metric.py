"""The names of the scores that gates, searches and monitors may ask for, and which way is better."""

from __future__ import annotations

from typing import Annotated

from argosy.spec import limit

CLASSIFICATION = {
    "roc_auc": True, "average_precision": True, "log_loss": False, "brier": False,
    "accuracy": True, "f1": True, "precision": True, "recall": True,
}  # fmt: skip
REGRESSION = {"rmse": False, "mae": False, "r2": True, "mape": False}
PINBALL = "pinball"
SPREAD = {PINBALL: False}
"""Scores of quantiles, which gates may ask for."""
COST = {"latency_p99_ms": False, "size_kb": False}
METRICS = {**CLASSIFICATION, **REGRESSION}
"""Score name -> whether a greater value is better."""

LOSSES = ("log_loss", "brier", "accuracy", "rmse", "mae")
"""Scores that are means over rows, or the roots of such."""

Metric = Annotated[str, limit.one_of(METRICS)]
"""The name of a score."""
Loss = Annotated[str, limit.one_of(LOSSES)]
"""The name of a score that is a loss a row: `accuracy` counts the wrong ones, `rmse` the squares."""


def greater_is_better(metric: str) -> bool:
    """Which way a score or a cost improves."""
    return {**METRICS, **SPREAD, **COST}[metric]
