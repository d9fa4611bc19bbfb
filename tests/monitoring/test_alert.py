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
from argosy.monitoring.alert import SIGNALS, Alert, discoveries, drift_signals, score_signals, watch
from argosy.monitoring.drift import drift, prediction_drift
from tests.monitoring.fleet import bins, rows, windows

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
    assert "200 of 250 members drifted on `temp` since 2013-04-03" in alert.message
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
    late = {"member": "a", "kind": "quality", "cause": "latency", "value": 9.0, "limit": 5.0, "p_value": None}
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
    inputs = drift_signals(drift(before, after, on), 0.2, importance)
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
    signals = score_signals(scores, "roc_auc", 0.6)
    (alert,) = watch(signals, [], at=DAY).raised
    assert alert.name == "performance/roc_auc"
    assert alert.members == ("poor",)
    expected = stats.norm.sf(0.05 / (0.02 / stats.norm.ppf(0.975)))
    assert signals["p_value"][1] == pytest.approx(expected, rel=1e-6)
    assert signals["p_value"][0] > 0.99
    losses = pl.DataFrame({"member": ["a", "b"], "log_loss": [0.5, 0.3]})
    (alert,) = watch(score_signals(losses, "log_loss", 0.4), [], at=DAY).raised
    assert alert.members == ("a",)


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
