"""Live scores and their limits: a fleet of members at chance raises nothing, one that is poor does."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl
import pytest

import argosy as ag
from argosy.controller import signal
from argosy.controller.watching.baseline import Baseline
from argosy.controller.watching.performing import measure
from argosy.monitoring.alert import watch
from tests.controller.snapshots import NOW, fleet


def answered(members: dict[str, int], size: int = 400) -> pl.DataFrame:
    """Rows of members whose predictions are right with a probability of so many per cent."""
    random = np.random.default_rng(3)
    frames = []
    for member, right in members.items():
        label = (random.random(size) < 0.5).astype(float)
        told = np.where(random.random(size) < right / 100, label, 1.0 - label)
        frames.append(pl.DataFrame({
            "at": NOW - timedelta(hours=1), "member": member, "prediction": told * 0.5 + 0.25, "label": label,
        }))  # fmt: skip
    return pl.concat(frames)


def base(score: float) -> Baseline:
    return Baseline(NOW, {"accuracy": score}, {}, None)


GOOD = {"good": 90, "poor": 60, "fresh": 90}
UNKNOWN = answered({"fresh": 10}).with_columns(label=pl.lit(None, pl.Float64))


@pytest.mark.parametrize(
    ("monitor", "degraded"),
    [
        (ag.Performance("accuracy", minimum=0.75), {"poor"}),
        (ag.Performance("accuracy", maximum=0.75), {"good", "fresh"}),
        (ag.Performance("accuracy", drop=0.05), {"poor"}),
        (ag.Performance("accuracy", minimum=0.75, minimum_rows=1000), set()),
        (ag.Performance("accuracy", minimum=0.2, drop=0.2), {"poor"}),
    ],
)
def test_limits_bind_where_the_interval_lies_beyond_them(monitor: ag.Performance, degraded: set[str]) -> None:
    rows = pl.concat([answered(GOOD), UNKNOWN])
    given = fleet(monitors=[monitor], search=ag.Search(metric="accuracy"))
    found, signals = measure(given, rows, {"good": base(0.9), "poor": base(0.9)}, NOW)
    assert {member for member, values in found.items() if values.get(signal.DEGRADED) and member != "*"} == degraded
    assert found["fresh"][signal.SCORE_ROWS] == 400
    alerts = watch(signals.filter(pl.col("member") != "*"), [], at=NOW).raised
    assert {member for alert in alerts for member in alert.members} == degraded
    assert all(alert.value == pytest.approx(found["poor"][signal.SCORE]) for alert in alerts if degraded == {"poor"})


def test_a_thousand_members_at_the_limit_raise_no_alert() -> None:
    rows = answered({f"m{i}": 75 for i in range(1000)}, 120)
    given = fleet(monitors=[ag.Performance("accuracy", minimum=0.75)], search=ag.Search(metric="accuracy"))
    _, signals = measure(given, rows, {}, NOW)
    assert watch(signals.filter(pl.col("member") != "*"), [], at=NOW).raised == ()


def test_rows_without_a_prediction_or_a_label_score_nothing() -> None:
    rows = answered({"good": 90}).with_columns(prediction=pl.lit(None, pl.Float64))
    assert measure(fleet(), UNKNOWN, {}, NOW)[0] == {}
    assert all(each[signal.SCORE] is None for each in measure(fleet(), rows, {}, NOW)[0].values())
