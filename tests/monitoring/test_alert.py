"""Alerts: grouped by cause, ranked by effect, silent for chance, raised once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from argosy.errors import InputError
from argosy.monitoring.alert import (
    SIGNALS,
    Alert,
    discoveries,
    drift_signals,
    quality_signals,
    score_signals,
    skew_signals,
    watch,
)
from argosy.monitoring.drift import drift, prediction_drift
from argosy.monitoring.quality import quality
from tests.monitoring.fleet import MEMBERS, bins, rows, windows

DAY = datetime(2013, 4, 3, tzinfo=UTC)


def _signals(*given_rows: dict[str, Any]) -> pl.DataFrame:
    default = {"kind": "drift", "cause": "temp", "limit": 0.2, "below": False, "p_value": 1e-9, "weight": 0.5}
    return pl.DataFrame([default | row for row in given_rows], schema=SIGNALS)


def test_members_with_one_cause_are_one_alert() -> None:
    signals = _signals(*({"member": f"m{place:03}", "value": 0.3 if place < 200 else 0.0} for place in range(250)))
    (alert,) = watch(signals, [], at=DAY).raised
    assert alert.name == "drift/temp"
    assert len(alert.members) == 200
    assert alert.since == DAY
    assert "200 of 250 members drifted on `temp` since 2013-04-03: median " in alert.message
    assert "m000, m001, m002 and 197 more" in alert.message


def test_an_alert_that_persists_is_not_raised_again_and_keeps_its_start() -> None:
    first = watch(_signals({"member": "a", "value": 0.3}), [], at=DAY).raised
    later = watch(
        _signals({"member": "a", "value": 0.4}, {"member": "b", "value": 0.5}), first, at=DAY + timedelta(days=1)
    )
    assert later.raised == ()
    (alert,) = later.persisting
    assert alert.since == DAY
    assert alert.members == ("a", "b")
    assert later.changed == (alert,)
    again = watch(_signals({"member": "a", "value": 0.44}, {"member": "b", "value": 0.5}), later.persisting, at=DAY)
    assert again.persisting and again.changed == ()
    worse = watch(_signals({"member": "a", "value": 0.9}, {"member": "b", "value": 0.8}), again.persisting, at=DAY)
    assert [alert.value for alert in worse.changed] == [pytest.approx(0.85)]


@pytest.mark.parametrize(("value", "stays"), [(0.195, True), (0.185, False), (None, True), (float("nan"), True)])
def test_hysteresis(value: float | None, stays: bool) -> None:
    first = watch(_signals({"member": "a", "value": 0.3}), [], at=DAY).raised
    later = watch(_signals({"member": "a", "value": value, "p_value": 0.9}), first, at=DAY)
    assert bool(later.persisting) is stays
    assert bool(later.resolved) is not stays
    assert watch(_signals({"member": "a", "value": value}), [], at=DAY).raised == ()


def test_a_floor_releases_above_it() -> None:
    low = {"kind": "performance", "cause": "roc_auc", "limit": 0.6, "below": True, "member": "a"}
    first = watch(_signals(low | {"value": 0.55}), [], at=DAY).raised
    assert "under the limit 0.6" in first[0].message
    assert watch(_signals(low | {"value": 0.61}), first, at=DAY).persisting
    assert watch(_signals(low | {"value": 0.64}), first, at=DAY).resolved == first


def test_an_alert_whose_members_are_within_the_limit_again_says_so_and_is_not_grave() -> None:
    loss = {"kind": "performance", "cause": "log_loss", "limit": 0.632}
    first = watch(_signals(loss | {"member": "a", "value": 0.7}), [], at=DAY).raised
    assert (first[0].severity, first[0].message) == (
        "critical", "1 of 1 member has a poor `log_loss` since 2013-04-03: 0.7 over the limit 0.632 (a)",
    )  # fmt: skip
    (calm,) = watch(_signals(loss | {"member": "a", "value": 0.626}), first, at=DAY).changed
    assert (calm.severity, calm.effect) == ("info", 0.0)
    assert ": 0.626 is within the limit 0.632 again; the alert ends under 0.6 (a)" in calm.message
    (unknown,) = watch(_signals(loss | {"member": "a", "value": None}), first, at=DAY).persisting
    assert unknown.severity == "critical"
    two = [loss | {"member": "a", "value": 0.61}, loss | {"member": "b", "value": 0.64}]
    (mixed,) = watch(_signals(*two), first, at=DAY).persisting
    assert mixed.severity == "critical"
    assert ": median 0.625 is within the limit 0.632 again, 1 of them not (a, b)" in mixed.message


def test_a_member_no_longer_watched_leaves() -> None:
    first = watch(_signals({"member": "a", "value": 0.3}), [], at=DAY).raised
    assert watch(_signals({"member": "b", "value": 0.0}), first, at=DAY).resolved == first


def test_chance_in_ten_thousand_members_raises_nothing() -> None:
    p_values = np.random.default_rng(1).random(10_000)
    signals = _signals(*({"member": str(i), "value": 0.5, "p_value": p} for i, p in enumerate(p_values)))
    assert watch(signals, [], at=DAY).raised == ()
    planted = signals.with_columns(
        p_value=pl.when(pl.col("member") == "7").then(1e-12).otherwise(pl.col("p_value")),
    )
    assert watch(planted, [], at=DAY).raised[0].members == ("7",)


def test_kinds_are_families_of_their_own() -> None:
    noise = [{"member": str(i), "cause": "c", "value": 0.3, "p_value": 0.9} for i in range(1000)]
    poor = {"member": "0", "kind": "performance", "cause": "roc_auc", "below": True, "value": 0.1, "p_value": 0.02}
    (alert,) = watch(_signals(*noise, poor), [], at=DAY).raised
    assert alert.kind == "performance"


def test_a_limit_without_chance_needs_no_test() -> None:
    late = {"member": "a", "kind": "quality", "cause": "temp/null", "value": 0.9, "limit": 0.5, "p_value": None}
    assert watch(_signals(late), [], at=DAY).raised


def test_rank_is_by_effect_on_the_model_not_by_drift() -> None:
    ranked = watch(
        _signals(
            {"member": "a", "cause": "season", "value": 7.9, "weight": 0.01},
            {"member": "a", "cause": "delays", "value": 0.4, "weight": 0.6},
            {"member": "a", "kind": "prediction", "cause": "prediction", "value": 0.25, "weight": 1.0},
            {"member": "a", "kind": "performance", "cause": "roc_auc", "below": True, "value": 0.19, "weight": 1.0},
        ),
        [],
        at=DAY,
    ).raised
    assert [alert.cause for alert in ranked] == ["roc_auc", "prediction", "delays", "season"]
    assert [alert.severity for alert in ranked] == ["critical", "warning", "warning", "info"]


@given(st.lists(st.floats(0.0, 1.0), max_size=50))
def test_discoveries_equal_the_reference(p_values: list[float]) -> None:
    expected = [p <= 0.05 for p in stats.false_discovery_control(p_values)] if p_values else []
    found = discoveries(p_values, 0.05).tolist()
    near = [abs(p - 0.05) < 1e-12 for p in stats.false_discovery_control(p_values)] if p_values else []
    assert all(one == two or close for one, two, close in zip(found, expected, near, strict=True))


def test_drift_tables_become_signals() -> None:
    frame = rows(50)
    on = bins(frame)
    before, after = windows(frame, on), windows(rows(51, shift=0.8), on)
    importance = pl.DataFrame({"member": ["JFK/AA"], "feature": ["temp"], "importance": [0.7]})
    weighed = drift(before, after, on).join(importance, on=["member", "feature"], how="left")
    inputs = drift_signals(weighed, 0.2)
    outputs = drift_signals(prediction_drift(before, after, on), 0.1)
    found = watch(pl.concat([inputs, outputs]), [], at=DAY).raised
    assert [alert.name for alert in found] == ["prediction/prediction", "drift/temp"]
    assert set(outputs["weight"]) == {1.0}
    assert inputs.filter(pl.col("member") == "JFK/AA", pl.col("cause") == "temp")["weight"].item() == 0.7
    assert inputs.filter(pl.col("member") == "LGA/DL")["weight"].max() == 0.0


def test_score_tables_become_signals() -> None:
    scores = pl.DataFrame(
        {
            "member": ["good", "poor", "few", "none"],
            "roc_auc": [0.70, 0.55, 0.55, None],
            "roc_auc_low": [0.68, 0.53, 0.20, None],
            "roc_auc_high": [0.72, 0.57, 0.90, None],
        }
    )
    signals = score_signals(scores, "roc_auc", pl.Series([0.6] * 4), below=True)
    (alert,) = watch(signals, [], at=DAY).raised
    assert alert.name == "performance/roc_auc"
    assert alert.members == ("poor",)
    expected = stats.norm.sf(0.05 / (0.02 / stats.norm.ppf(0.975)))
    assert signals["p_value"][1] == pytest.approx(expected, rel=1e-6)
    assert signals["p_value"][0] > 0.99
    losses = pl.DataFrame({"member": ["a", "b", "c"], "log_loss": [0.5, 0.3, 0.5]}).with_columns(
        log_loss_low=pl.col("log_loss") - 0.01, log_loss_high=pl.col("log_loss") + 0.01
    )
    (alert,) = watch(score_signals(losses, "log_loss", pl.Series([0.4, 0.4, 0.6]), below=False), [], at=DAY).raised
    assert alert.members == ("a",)


def test_a_member_beyond_two_limits_of_one_cause_is_in_the_alert_once() -> None:
    twice = _signals({"member": "a", "value": 0.5}, {"member": "a", "value": 0.9}, {"member": "b", "value": 0.5})
    (alert,) = watch(twice, [], at=DAY).raised
    assert (alert.members, alert.value) == (("a", "b"), 0.7)


def test_quality_tables_become_signals_by_feature_and_check() -> None:
    frame = rows(52)
    on = bins(frame)
    bad = rows(53).with_columns(
        rain=pl.when(pl.col("code") == 1).then(None).otherwise("rain"), temp=pl.col("temp") + 100.0
    )
    importance = pl.DataFrame({"member": [MEMBERS[1]], "feature": ["rain"], "importance": [0.7]})
    signals = quality_signals(quality(windows(frame, on), windows(bad, on), on), 0.05, importance)
    beyond, nulls = watch(signals, [], at=DAY).raised
    if beyond.cause != "temp/range":
        beyond, nulls = nulls, beyond
    assert (beyond.name, beyond.members, beyond.severity) == ("quality/temp/range", MEMBERS, "info")
    assert (nulls.name, nulls.members, nulls.severity) == ("quality/rain/null", (MEMBERS[1],), "warning")
    assert "1 of 4 members sees more nulls in `rain` than in training" in nulls.message
    assert ": rise of their share 1 over the limit 0.05; the models lean 70% on it" in nulls.message


def test_skew_is_the_fleets_and_names_the_members_that_met_it() -> None:
    def table(differing: int) -> pl.DataFrame:
        return pl.DataFrame({
            "feature": ["x", "y"], "rows": [500, 500], "differing": [differing, 0], "share": [differing / 500, 0.0],
            "members": [["a", "b"], []],
        })  # fmt: skip

    importance = pl.DataFrame({"member": ["a"], "feature": ["x"], "importance": [0.5]})
    (alert,) = watch(skew_signals(table(40), 0.02, importance), [], at=DAY, watched=9).raised
    assert (alert.name, alert.members, alert.value) == ("skew/x", ("a", "b"), 0.08)
    assert "2 of 9 members are served another `x` than training would join" in alert.message
    assert watch(skew_signals(table(13), 0.02, importance), [], at=DAY).raised == ()


def test_nothing_to_say() -> None:
    found = watch(pl.DataFrame(schema=SIGNALS), [], at=DAY)
    assert (found.raised, found.persisting, found.resolved) == ((), (), ())
    gone = Alert("drift/x", "drift", "x", ("a",), 1.0, 0.2, "info", 0.1, DAY, "")
    assert watch(pl.DataFrame(schema=SIGNALS), [gone], at=DAY).resolved == (gone,)


def test_wrong_tables_are_refused() -> None:
    with pytest.raises(InputError, match="lack the columns"):
        watch(pl.DataFrame({"kind": ["drift"]}), [], at=DAY)
    with pytest.raises(InputError, match="'weather'"):
        watch(_signals({"member": "a", "value": 0.3, "kind": "weather"}), [], at=DAY)
