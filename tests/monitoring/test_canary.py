"""A canary is promoted, kept or rolled back, and the reason says why."""

from __future__ import annotations

import numpy as np
import pytest

from argosy.monitoring.canary import Arm, judge


def _arm(seed: int, size: int, *, noise: float = 0.0, failed: int = 0, positives: bool = True) -> Arm:
    random = np.random.default_rng(seed)
    logit = random.normal(size=size)
    y = (random.random(size) < 1.0 / (1.0 + np.exp(-logit))).astype(float)
    p = 1.0 / (1.0 + np.exp(-logit - noise * random.normal(size=size)))
    return Arm(y if positives else np.zeros(size), p, size, failed)


def test_an_equal_canary_bakes_and_is_promoted() -> None:
    canary, champion = _arm(1, 500), _arm(2, 2000)
    assert judge(canary, champion, "roc_auc", baked=False).verdict == "continue"
    found = judge(canary, champion, "roc_auc", baked=True)
    assert found.verdict == "promote"
    assert found.low < found.gain < found.high
    assert (found.canary_rows, found.champion_rows) == (500, 2000)


@pytest.mark.parametrize("metric", ["roc_auc", "log_loss"])
def test_a_worse_canary_is_rolled_back_before_it_has_baked(metric: str) -> None:
    found = judge(_arm(3, 800, noise=4.0), _arm(4, 2000), metric, baked=False)
    assert found.verdict == "roll back"
    assert found.gain < 0
    assert found.p_value < 0.01
    assert metric in found.reason


def test_tolerance_forgives() -> None:
    assert judge(_arm(3, 800, noise=4.0), _arm(4, 2000), "roc_auc", baked=True, tolerance=0.5).verdict == "promote"


def test_too_few_rows_wait() -> None:
    found = judge(_arm(5, 20), _arm(6, 2000), "roc_auc", baked=True)
    assert found.verdict == "continue"
    assert "20 canary and 2000 champion rows have labels; 100 are needed" in found.reason


def test_an_undefined_score_is_no_evidence() -> None:
    canary, champion = _arm(7, 200, positives=False), _arm(8, 200)
    assert judge(canary, champion, "roc_auc", baked=False).verdict == "continue"
    found = judge(canary, champion, "roc_auc", baked=True)
    assert found.verdict == "promote"
    assert "both classes" in found.reason


def test_failing_requests_roll_back_without_any_label() -> None:
    nothing = np.empty(0)
    champion = Arm(nothing, nothing, 10_000, 5)
    found = judge(Arm(nothing, nothing, 300, 20), champion, "roc_auc", baked=False)
    assert found.verdict == "roll back"
    assert "20 of 320 canary requests failed" in found.reason
    assert judge(Arm(nothing, nothing, 3000, 2), champion, "roc_auc", baked=False).verdict == "continue"


def test_equal_canaries_are_seldom_rolled_back() -> None:
    verdicts = [
        judge(_arm(2 * seed, 200), _arm(2 * seed + 1, 800), "log_loss", baked=True).verdict for seed in range(300)
    ]
    assert verdicts.count("roll back") <= 6
