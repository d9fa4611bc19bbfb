"""Shadows: compared on the same rows, by their labels, by their predictions, and by their failures."""

from __future__ import annotations

import math

import numpy as np
import pytest

from argosy.monitoring.arm import Arm
from argosy.monitoring.canary import judge as judge_canary
from argosy.monitoring.shadow import judge

RNG = np.random.default_rng(4)
Y = (RNG.random(400) < 0.5).astype(np.float64)
GOOD = np.clip(0.5 + 0.3 * (Y - 0.5) + RNG.normal(0, 0.1, 400), 0.01, 0.99)
WORSE = np.clip(GOOD - 0.02 * (Y - 0.5) + RNG.normal(0, 0.005, 400), 0.01, 0.99)


def arm(p: np.ndarray, failed: int = 0) -> Arm:
    return Arm(Y[: len(p)], p, 400, failed)


def test_a_shadow_that_is_worse_on_the_same_rows_is_rejected_at_once() -> None:
    found = judge(arm(WORSE), arm(GOOD), "log_loss", baked=False, apart=0.03, paired=400)
    assert found.verdict == "roll back" and found.gain < 0 and found.low < found.gain < found.high < 0
    assert found.canary_rows == found.champion_rows == 400 and found.p_value < 0.01
    assert found.reason.startswith("log_loss gain -0.0")
    assert found.reason.endswith(
        "on the same 400 labelled rows, predictions 0.03 apart on 400 rows; 0 of 400 rows failed"
    )


def test_a_pairing_sees_what_two_samples_cannot() -> None:
    shadow, champion = arm(WORSE), arm(GOOD)
    assert judge(shadow, champion, "log_loss", baked=False, apart=0.03, paired=400).verdict == "roll back"
    assert judge_canary(shadow, champion, "log_loss", baked=False).verdict == "continue"


@pytest.mark.parametrize("metric", ["log_loss", "roc_auc", "brier", "accuracy"])
def test_the_gain_is_positive_where_the_shadow_is_better_whatever_the_score(metric: str) -> None:
    found = judge(arm(GOOD), arm(WORSE), metric, baked=True, apart=0.03, paired=400)
    assert found.verdict == "promote" and found.low <= found.gain <= found.high and found.gain >= 0


def test_without_labels_it_is_promoted_unless_its_predictions_are_too_far_off() -> None:
    none = Arm(np.empty(0), np.empty(0), 400)
    given = {"baked": True, "apart": 0.2, "paired": 400}
    told = judge(none, none, "log_loss", **given)
    assert (told.verdict, math.isnan(told.gain)) == ("promote", True)
    assert told.reason == (
        "0 of 50 labelled rows that both scored, predictions 0.2 apart on 400 rows; 0 of 400 rows failed"
    )
    assert judge(none, none, "log_loss", **given, difference=0.3).verdict == "promote"
    off = judge(none, none, "log_loss", **given, difference=0.1)
    assert off.verdict == "roll back" and off.reason.endswith("; at most 0.1 is allowed")
    assert judge(none, none, "log_loss", **given | {"baked": False}, difference=0.1).verdict == "continue"
    assert judge(none, none, "log_loss", **given | {"paired": 49}, difference=0.1).verdict == "promote"


def test_failures_reject_it_and_a_shadow_that_was_asked_nothing_waits() -> None:
    none = Arm(np.empty(0), np.empty(0), 0)
    failing = judge(Arm(none.y, none.p, 380, 20), arm(GOOD[:0]), "log_loss", baked=False)
    assert failing.verdict == "roll back" and failing.reason.startswith("20 of 400 rows failed")
    waits = judge(none, arm(GOOD[:0]), "log_loss", baked=True)
    assert (waits.verdict, waits.reason) == ("continue", "it scored no row yet")
    assert judge(none, arm(GOOD[:0]), "log_loss", baked=True, waited=True).verdict == "promote"
