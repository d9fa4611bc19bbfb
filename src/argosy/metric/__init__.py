"""Named scores with their intervals, for one model or for a fleet in one pass."""

from argosy.metric.measure import Comparison, Measure, compare, interval, measure, score
from argosy.metric.score import SCORES, Score, known
from argosy.metric.table import compare_by, score_by

__all__ = [
    "SCORES",
    "Comparison",
    "Measure",
    "Score",
    "compare",
    "compare_by",
    "interval",
    "known",
    "measure",
    "score",
    "score_by",
]
