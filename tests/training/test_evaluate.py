from __future__ import annotations

import numpy as np
import pytest

from argosy.model.matrix import Matrix
from argosy.spec.gate import Approval, Gate
from argosy.spec.monitor import Drift, Performance
from argosy.spec.rollout import Canary
from argosy.spec.search import Search
from argosy.training.evaluate import evaluate, histogram, latency, permuted, shares, span, wanted
from argosy.training.rows import Floats
from tests.training.sample import fleet, some


class Steady:
    """Answers the logistic function of the first feature."""

    features, bytes_in_memory = 4, 0

    def predict(self, matrix: Matrix) -> Floats:
        return np.asarray(1.0 / (1.0 + np.exp(-np.nan_to_num(matrix[:, 0]))))


def test_every_score_that_is_asked_for_is_computed_once() -> None:
    declared = fleet(
        search=Search(metric="f1"),
        gates=(Gate("roc_auc", minimum=0.6), Gate("latency_p99_ms", maximum=5), Approval()),
        monitors=(Performance("accuracy", minimum=0.5), Drift()),
        rollout=Canary(metric="average_precision"),
    )
    assert wanted(declared) == ("f1", "roc_auc", "accuracy", "average_precision", "log_loss", "brier")


def test_rivals_answer_for_the_same_rows_or_say_why_not() -> None:
    rows, model = some(0), Steady()
    answers = model.predict(rows.matrix)
    reference = histogram(answers, 0.0, 1.0)
    found = evaluate(fleet(), model, rows, {"pooled": answers * 0.5, "champion": "gone"}, reference, {})
    loss, _, area = found.comparisons["pooled"]
    assert (loss.name, loss.rows) == ("log_loss", 400) and loss.difference < 0 < area.p_value
    assert found.uncompared == {"champion": "gone"}
    assert sum(found.predictions.counts) == 400
    assert 0 < found.latency_p50_ms <= found.latency_p99_ms


def test_a_histogram_counts_every_row_and_keeps_its_bounds() -> None:
    found = histogram(np.array([-5.0, 0.0, 0.004, 0.5, 1.0, 9.0]), 0.0, 1.0)
    assert (found.counts[0], found.counts[100], found.counts[199], sum(found.counts)) == (3, 1, 2, 6)
    assert span("binary", np.array([3.0])) == (0.0, 1.0)
    low, high = span("regression", np.array([10.0, 20.0]))
    assert low < 10 and high > 20
    assert span("regression", np.array([5.0, 5.0])) == (3.75, 6.25)


def test_latency_is_of_one_row_at_a_time() -> None:
    seen = []

    class Counting(Steady):
        def predict(self, matrix: Matrix) -> Floats:
            seen.append(len(matrix))
            return super().predict(matrix)

    p50, p99 = latency(Counting(), some(0, 7).matrix)
    assert set(seen) == {1} and 0 < p50 <= p99


def test_a_shuffled_feature_matters_as_much_as_the_model_leans_on_it() -> None:
    weights = permuted("log_loss", Steady().predict, some(0, 600), 0)
    assert weights[0] > 0 and (weights[1:] == 0).all()
    assert shares(weights) == (1.0, 0.0, 0.0, 0.0)
    assert shares(np.array([-1.0, np.nan, 0.0])) == (0.0, 0.0, 0.0)
    assert sum(shares(np.array([3.0, 1.0]))) == pytest.approx(1.0)
