"""Estimates where labels are missing: while they come, and from what was learned before where there are none."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import argosy as ag
from argosy.controller import signal
from argosy.controller.watching import estimating
from argosy.metric import score
from argosy.store import windows
from argosy.store.store import Store
from tests.controller.snapshots import NOW, fleet
from tests.monitoring.fleet import bins
from tests.monitoring.fleet import rows as some

BINS = bins(some(80))
Found = dict[str, dict[str, Any]]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path) as made:
        yield made


def rows(seed: int, size: int = 6000) -> pl.DataFrame:
    """Rows of two members, whose labels are all known."""
    given = some(seed, size).drop_nulls("label").with_columns(member=pl.format("m{}", pl.col("code") % 2))
    return given.select("member", "prediction", "label", at=pl.lit(NOW - timedelta(days=3)))


def measure(store: Store, given: pl.DataFrame, days: int = 0, **fields: Any) -> Found:
    """Measure and keep the calibration as a watch does, so many days from NOW."""
    now = NOW + timedelta(days=days)
    with store.read() as conn:
        found, told = estimating.measure(conn, store, fleet(**fields), BINS, given, now)
    if told is not None:
        with store.write() as tx:
            windows.add(tx, [estimating.keep(store, "late", told, 1, now)])
    return found


def hidden(given: pl.DataFrame, keep: pl.Expr) -> pl.DataFrame:
    return given.with_columns(label=pl.when(keep).then("label"))


def test_where_nearly_all_labels_are_known_there_is_no_estimate(store: Store) -> None:
    known = rows(81)
    assert measure(store, hidden(known, pl.int_range(pl.len()) % 20 != 0)) == {}
    late = measure(store, hidden(known, (pl.col("member") == "m0") | (pl.int_range(pl.len()) % 2 == 0)))
    assert set(late) == {"m1", "*"}
    assert late["m1"]["body"]["rows"] == (known["member"] == "m1").sum()


def test_the_estimate_is_near_what_the_labels_say_later(store: Store) -> None:
    known = rows(82)
    found = measure(store, hidden(known, pl.int_range(pl.len()) % 4 == 0))
    for member in ("m0", "m1"):
        mine = known.filter(pl.col("member") == member)
        told = score("log_loss", mine["label"].to_numpy(), mine["prediction"].to_numpy())
        assert found[member][signal.ESTIMATE] == pytest.approx(told, abs=0.03)


def test_without_any_label_the_calibration_of_the_last_day_that_had_some_is_used(store: Store) -> None:
    overconfident = rows(83).with_columns(prediction=pl.col("prediction") ** 3)
    silent = hidden(overconfident, pl.lit(False))
    assert measure(store, silent) == {}
    assert measure(store, overconfident) == {}
    later = silent.with_columns(pl.col("at") + timedelta(days=40))
    told = score("log_loss", overconfident["label"].to_numpy(), overconfident["prediction"].to_numpy())
    assert measure(store, later, days=40)["*"][signal.ESTIMATE] == pytest.approx(told, abs=0.03)


def test_what_cannot_be_estimated_has_none(store: Store) -> None:
    silent = hidden(rows(84), pl.int_range(pl.len()) % 2 == 0)
    assert measure(store, silent, search=ag.Search(metric="rmse"), gates=()) == {}
    assert measure(store, silent, search=ag.Search(metric="f1")) == {}
    assert measure(store, silent.clear()) == {}
