from __future__ import annotations

from datetime import UTC, datetime

from argosy.controller.watching.baseline import Baseline, judged_by

NOW = datetime(2013, 4, 1, tzinfo=UTC)


def base(score: float, **beside: float) -> Baseline:
    return Baseline(NOW, {"log_loss": score, "brier": 0.1}, {"x": 1.0}, None, beside=beside)


def test_the_pooled_model_is_judged_by_its_score_on_the_rows_of_the_member() -> None:
    known = {1: base(0.45), 2: base(0.61, log_loss=0.58), 3: base(0.5)}
    found = judged_by({"*": (1, 1), "a": (1, 2), "b": (2, 2), "c": (1, None), "d": (None, 3), "e": (1, 3)}, known)
    assert {key: each.metrics["log_loss"] for key, each in found.items()} == {
        "*": 0.45, "a": 0.58, "b": 0.61, "c": 0.45, "e": 0.45,
    }  # fmt: skip
    assert found["a"].metrics["brier"] == 0.1 and found["a"].importance == known[1].importance
