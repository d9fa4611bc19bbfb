"""A/B tests: decided by losses at any look, by failures, or by nobody when the time is over."""

from __future__ import annotations

import numpy as np
import pytest

from argosy.metric import score
from argosy.monitoring.abtest import Units, judge, loss
from argosy.monitoring.arm import Arm

NONE = np.empty(0)


def arm(answered: int, failed: int = 0) -> Arm:
    return Arm(NONE, NONE, answered, failed)


def units(mean: float, count: int = 500, seed: int = 1) -> Units:
    """One row each."""
    return Units(np.random.default_rng(seed).normal(mean, 0.1, count), np.ones(count))


@pytest.mark.parametrize("name", ["log_loss", "brier", "accuracy", "rmse", "mae"])
def test_the_mean_loss_is_the_score(name: str) -> None:
    rng = np.random.default_rng(2)
    p = rng.random(200)
    y = (rng.random(200) < p).astype(np.float64)
    mean = loss(name, y, p).mean()
    told = score(name, y, p)
    assert told == pytest.approx({"accuracy": 1.0 - mean, "rmse": np.sqrt(mean)}.get(name, mean))


def test_it_ends_as_soon_as_the_losses_decide_and_not_before() -> None:
    better = judge(arm(500), arm(500), units(0.4), units(0.5, seed=3), "log_loss", over=False)
    assert (better.verdict, better.canary_rows, better.champion_rows) == ("promote", 500, 500)
    assert better.gain == pytest.approx(0.1, abs=0.02) and 0 < better.low < better.gain < better.high
    assert better.reason.startswith("mean log_loss gain +0.")
    assert better.reason.endswith("on 500 labelled observations (champion 500); 0 of 500 rows failed")
    worse = judge(arm(500), arm(500), units(0.5), units(0.4, seed=3), "rmse", over=False)
    assert worse.verdict == "roll back" and worse.reason.startswith("mean square gain -0.")
    even = judge(arm(500), arm(500), units(0.5), units(0.5, seed=3), "mae", over=False)
    assert even.verdict == "continue"


def test_a_gain_below_the_effect_that_was_asked_for_is_none() -> None:
    arms = (arm(5000), arm(5000), units(0.4, 5000), units(0.5, 5000, seed=3))
    assert judge(*arms, "mae", over=False, effect=0.05).verdict == "promote"
    assert judge(*arms, "mae", over=False, effect=0.1).verdict == "continue"
    assert judge(*arms, "mae", over=False, effect=0.2).verdict == "roll back"


def test_the_champion_stays_where_the_time_is_over_undecided() -> None:
    even = judge(arm(500), arm(500), units(0.5), units(0.5, seed=3), "mae", over=True)
    assert even.verdict == "roll back" and even.reason.startswith("undecided, so the champion stays: mean mae gain")
    nobody = judge(arm(3), arm(0), Units(NONE, NONE), Units(NONE, NONE), "mae", over=True)
    few = "undecided, so the champion stays: 0 of 100 labelled observations (champion 0): 0 of 3 rows failed"
    assert (nobody.verdict, nobody.reason) == ("roll back", few)


def test_few_observations_decide_nothing_however_large_the_gain() -> None:
    given = (arm(99), arm(500), units(0.1, 99), units(0.9, seed=3))
    assert judge(*given, "mae", over=False).verdict == "continue"
    assert judge(*given, "mae", over=False, minimum_rows=99).verdict == "promote"


def test_failures_beyond_what_is_allowed_end_it_whatever_it_gains() -> None:
    found = judge(arm(400, 100), arm(500), units(0.1), units(0.9, seed=3), "mae", over=False)
    assert found.verdict == "roll back" and found.reason.startswith(
        "100 of 500 rows failed, of the champion's 0 of 500"
    )
    assert judge(arm(400, 1), arm(500), units(0.1), units(0.9, seed=3), "mae", over=False).verdict == "promote"
