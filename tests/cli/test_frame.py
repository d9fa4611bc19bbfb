"""`ag.runs`: tracked runs as a frame."""

from __future__ import annotations

import polars as pl
import pytest

import argosy as ag
from argosy.errors import UnknownError, UsageError
from argosy.store import Store
from argosy.store.tracking import metrics, runs
from argosy.store.tracking.metrics import Point
from tests.cli.tracks import HAND, NAMES, NOW, Tracks

OWN = ["run", "experiment", "name", "status", "started_at", "ended_at"]


def test_a_frame_has_a_row_a_run_and_a_column_for_all_that_any_has(tracked: Tracks) -> None:
    found = ag.runs(experiment="flights")
    assert found["run"].to_list() == list(reversed(NAMES))
    names = ["metrics.error", "metrics.rows", "params.depth", "params.seed"]
    tags = ["mlflow.parentRunId", "mlflow.runName", "mlflow.source.git.commit", "mlflow.source.name", "team"]
    assert found.columns == [*OWN, *names, *(f"tags.{tag}" for tag in tags)]
    assert found["tags.mlflow.parentRunId"].to_list() == [NAMES[0], *[None] * 5]
    assert found.schema["metrics.error"] == pl.Float64 and found.schema["params.depth"] == pl.String
    assert found["started_at"][-1] == NOW and found["ended_at"].dtype == pl.Datetime("us", "UTC")


def test_runs_are_searched_sorted_and_chosen(tracked: Tracks) -> None:
    found = ag.runs("metrics.error < 0.6 and params.depth != 5", sort="-params.depth", columns="tags.team", limit=3)
    assert found["params.depth"].to_list() == ["4", "3", "2"]
    assert found.columns == [*OWN, "tags.team", "params.depth", "metrics.error"]
    assert ag.runs(home=tracked.home, columns=()).shape == (7, 6)
    assert ag.runs("params.depth = 77").shape == (0, 6)
    with pytest.raises(UnknownError, match="no experiment 'ships'"):
        ag.runs(experiment="ships")
    for wrong in ({"where": "state:failed"}, {"sort": ["dataset.name"]}, {"limit": 0}):
        with pytest.raises(UsageError):
            ag.runs(**wrong)  # type: ignore[arg-type]


def test_more_runs_than_a_page_holds_are_there(tracked: Tracks) -> None:
    with Store.open(tracked.home) as store, store.write() as tx:
        for number in range(1100):
            run = runs.create(tx, 0, "x", NOW, HAND)
            metrics.log(tx, run.id, 0, [Point("number", float(number), 0, 0)])
    found = ag.runs("metrics.number >= 0", sort="metrics.number", limit=1050)
    assert found["metrics.number"].to_list() == [float(number) for number in range(1050)]
