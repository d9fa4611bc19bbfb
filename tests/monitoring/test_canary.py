"""A canary is promoted, kept or rolled back, and the reason says why."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from argosy.monitoring.arm import Arm
from argosy.monitoring.canary import judge


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


def test_too_few_labelled_rows_are_told() -> None:
    canary, champion = _arm(5, 20), _arm(6, 2000)
    going = judge(canary, champion, "roc_auc", baked=False)
    assert (going.verdict, going.reason) == (
        "continue", "20 of 50 labelled rows (champion 2000), so far: 0 of 20 rows failed"
    )  # fmt: skip
    over = judge(canary, champion, "roc_auc", baked=True)
    assert over.verdict == "promote"
    assert over.reason == "20 of 50 labelled rows (champion 2000), judged by its errors alone: 0 of 20 rows failed"
    worse = judge(_arm(3, 800, noise=4.0), _arm(4, 40), "roc_auc", baked=True)
    assert worse.verdict == "promote" and "800 of 50 labelled rows (champion 40)" in worse.reason


def test_a_canary_that_nobody_asked_waits_and_is_then_promoted_on_its_gates() -> None:
    nobody, champion = _counts(0, 0), _arm(6, 2000)
    for baked in (False, True):
        assert judge(nobody, champion, "roc_auc", baked=baked).verdict == "continue"
    found = judge(nobody, champion, "roc_auc", baked=True, waited=True)
    assert (found.verdict, found.reason) == ("promote", "it was asked for no row, so only its gates speak for it")


def test_an_undefined_score_is_no_evidence() -> None:
    canary, champion = _arm(7, 200, positives=False), _arm(8, 200)
    assert judge(canary, champion, "roc_auc", baked=False).verdict == "continue"
    found = judge(canary, champion, "roc_auc", baked=True)
    assert found.verdict == "promote"
    assert "both classes" in found.reason


# (canary failed, asked), (champion failed, asked), errors: while it bakes, at the end, after patience
TRUTH = [
    ((0, 300), (0, 1200), 0.01, "continue", "promote", "promote"),  # nothing failed
    ((3, 300), (0, 1200), 0.01, "continue", "promote", "promote"),  # within errors, whatever the champion does
    ((30, 3000), (0, 100_000), 0.01, "continue", "promote", "promote"),  # the same, however sure it is worse
    ((20, 300), (80, 1200), 0.01, "continue", "promote", "promote"),  # beyond errors, as often as the champion
    ((20, 300), (900, 1200), 0.01, "continue", "promote", "promote"),  # beyond errors, the champion more often
    ((1, 20), (5, 80), 0.01, "continue", "promote", "promote"),  # the same in few rows
    ((4, 300), (5, 1200), 0.01, "continue", "roll back", "roll back"),  # beyond both, and perhaps by chance
    ((1, 50), (0, 200), 0.01, "continue", "roll back", "roll back"),  # the same, in just enough rows
    ((1, 49), (0, 200), 0.01, "continue", "continue", "roll back"),  # in too few
    ((1, 20), (0, 80), 0.01, "continue", "continue", "roll back"),
    ((2, 10), (3, 40), 0.01, "continue", "continue", "roll back"),
    ((1, 1), (0, 4), 0.01, "continue", "continue", "roll back"),
    ((1, 1), (0, 0), 0.01, "continue", "continue", "roll back"),  # nor does a champion without rows explain it
    ((9, 9), (0, 1), 0.01, "continue", "continue", "roll back"),  # one row of the champion proves nothing
    ((60, 60), (0, 0), 0.01, "continue", "roll back", "roll back"),
    ((20, 300), (5, 1200), 0.01, "roll back", "roll back", "roll back"),  # beyond both, and not by chance
    ((5, 5), (0, 5), 0.01, "roll back", "roll back", "roll back"),  # the same on half of few rows
    ((1, 300), (0, 1200), 0.0, "continue", "roll back", "roll back"),  # none may fail
    ((300, 300), (0, 1200), 1.0, "continue", "promote", "promote"),  # all may fail
]


@pytest.mark.parametrize(("canary", "champion", "errors", "baking", "baked", "waited"), TRUTH)
def test_failing_canaries(
    canary: tuple[int, int], champion: tuple[int, int], errors: float, baking: str, baked: str, waited: str
) -> None:
    one, two = _counts(*canary), _counts(*champion)
    assert judge(one, two, "roc_auc", baked=False, errors=errors).verdict == baking
    assert judge(one, two, "roc_auc", baked=True, errors=errors).verdict == baked
    assert judge(one, two, "roc_auc", baked=True, waited=True, errors=errors).verdict == waited


def test_too_few_rows_to_tell_failing_from_chance_are_told() -> None:
    told = "1 of 20 rows failed, of the champion's 0 of 80; 0.01 of them may (p = 0.2)"
    going = judge(_counts(1, 20), _counts(0, 80), "roc_auc", baked=True)
    assert (going.verdict, going.reason) == ("continue", f"{told}, which fewer than 50 rows cannot decide")
    assert judge(_counts(1, 20), _counts(0, 80), "roc_auc", baked=True, waited=True).reason == told
    assert judge(_counts(1, 20), _counts(0, 80), "roc_auc", baked=True, minimum_rows=20).reason == told


def test_failing_needs_no_labels_and_goes_before_scores() -> None:
    found = judge(_arm(1, 500, failed=50), _arm(2, 2000), "roc_auc", baked=False)
    assert found.verdict == "roll back"
    assert found.reason.startswith("50 of 550 rows failed, of the champion's 0 of 2000; 0.01 of them may (p = ")


@given(st.integers(1, 400), st.integers(1, 400), st.integers(1, 4000), st.integers(0, 400))
def test_chance_is_fishers(failed: int, right: int, others: int, others_failed: int) -> None:
    others_failed = min(others_failed, others)
    asked = failed + right
    if failed * others <= others_failed * asked:
        return
    exact = stats.fisher_exact([[failed, right], [others_failed, others - others_failed]], "greater").pvalue
    found = judge(
        _counts(failed, asked), _counts(others_failed, others), "roc_auc", baked=True, waited=True, errors=0.0
    )
    assert float(found.reason.split("p = ")[1][:-1]) == pytest.approx(exact, rel=0.06)
    early = judge(_counts(failed, asked), _counts(others_failed, others), "roc_auc", baked=False, errors=0.0)
    assert (early.verdict == "roll back") == (exact < 1.0 - 0.99)


def _counts(failed: int, asked: int) -> Arm:
    """An arm without labels."""
    return Arm(np.empty(0), np.empty(0), asked - failed, failed)


def test_equal_canaries_are_seldom_rolled_back() -> None:
    verdicts = [
        judge(_arm(2 * seed, 200), _arm(2 * seed + 1, 800), "log_loss", baked=True).verdict for seed in range(300)
    ]
    assert verdicts.count("roll back") <= 6


def test_what_else_speaks_against_it_rolls_it_back_at_once_but_for_one_that_answers_nothing() -> None:
    none = np.empty(0)
    said = "its latency is 9 ms (p99 of 200 requests), the limit is 5 ms"
    found = judge(Arm(none, none, 200), Arm(none, none, 800), "log_loss", baked=False, against=said)
    assert (found.verdict, found.reason) == ("roll back", said)
    assert judge(Arm(none, none, 0), Arm(none, none, 8), "log_loss", baked=False, against=said).verdict == "continue"
