"""Tracked runs as people ask for them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from argosy.controller import tracked
from argosy.errors import UnknownError, UsageError
from argosy.store import Store
from argosy.store.tracking import experiments, metrics, runs, texts
from argosy.store.tracking.changes import Hand
from argosy.store.tracking.metrics import Point
from argosy.store.tracking.view import Field

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def store(request: pytest.FixtureRequest, home: Path) -> Iterator[Store]:
    """Nine runs of two experiments: the n-th has a depth of n modulo 3, and an accuracy of n tenths but for n = 8."""
    place = home if request.param == "sqlite" else request.getfixturevalue("postgres_home")
    with Store.open(place, blobs=home / "blobs") as store:
        hand = Hand("ann", NOW)
        with store.write() as tx:
            ids = [experiments.create(tx, name, hand) for name in ("flights", "trains")]
            for number in range(9):
                started, of = NOW + timedelta(minutes=number), ids[number % 2]
                run = runs.create(tx, of, f"run {number}", started, hand, owner="ann", tags={"team, old": "ops"})
                values = {"depth": str(number % 3), "seed": "7"}
                texts.put(tx, texts.PARAMETER, run.id, of, values, hand)
                points = [Point("acc", number / 10, 0, 0)] if number < 8 else []
                metrics.log(tx, run.id, of, [*points, Point("loss", 1.0, 0, 0)])
        yield store


def _names(store: Store, where: str = "", *sort: str, experiment: str | None = None) -> list[int]:
    with store.read() as conn:
        found = tracked.page(conn, tracked.question(where, sort), experiment, limit=100)
    return [int(each.run.name.split()[1]) for each in found.items]


def test_runs_are_found_in_all_experiments_or_in_one(store: Store) -> None:
    assert _names(store) == [8, 7, 6, 5, 4, 3, 2, 1, 0]
    assert _names(store, experiment="trains") == [7, 5, 3, 1]
    assert _names(store, "metrics.acc > 0.2 and params.depth = 1", "-metrics.acc") == [7, 4]
    assert _names(store, "", "-metrics.acc", experiment="flights") == [6, 4, 2, 0, 8]  # what lacks it comes last
    assert _names(store, "", "metrics.acc", experiment="flights") == [0, 2, 4, 6, 8]
    assert _names(store, "", "params.depth", "-start_time")[:4] == [6, 3, 0, 7]
    with pytest.raises(UnknownError, match="no experiment 'ships'"):
        _names(store, experiment="ships")


def test_pages_follow_each_other(store: Store) -> None:
    asked = tracked.question("metrics.loss >= 1", ["-metrics.acc"])
    with store.read() as conn:
        pages = list(tracked.pages(conn, asked, limit=4))
        assert [len(page.items) for page in pages] == [4, 4, 1]
        assert len({each.run.id for page in pages for each in page.items}) == 9
        assert tracked.page(conn, asked, limit=4, cursor=pages[0].next).items == pages[1].items
        with pytest.raises(UsageError, match="limit 0 is below 1"):
            tracked.page(conn, asked, limit=0)


def test_what_is_asked_for_is_shown_once_in_the_order_in_which_it_was_named(store: Store) -> None:
    columns = ["params.depth,tags.`team, old`", "metrics.acc,user_id,status"]
    asked = tracked.question("metrics.acc < 0.1", ["-params.seed"], columns)
    titles = [field.title for field in asked.fields]
    assert titles == ["params.depth", "tags.team, old", "metrics.acc", "user_id", "params.seed"]
    with store.read() as conn:
        (first,) = tracked.page(conn, asked, limit=1).items
        assert [first.value(field) for field in asked.fields] == ["0", "ops", 0.0, "ann", "7"]
        assert first.value(Field("metric", "loss")) is None  # it was not asked for
        (whole,) = tracked.page(conn, asked, limit=1, whole=True).items
        assert whole.value(Field("metric", "loss")) == 1.0 and whole.value(Field("attribute", "run_name")) == "run 0"
        uri = f"mlflow-artifacts:/{whole.experiment.id}/{whole.run.run}/artifacts"
        assert whole.value(Field("attribute", "artifact_uri")) == uri


def test_what_the_language_does_not_have_is_refused() -> None:
    for wrong in ({"sort": ["dataset.name"]}, {"columns": ["metrics.a,colour"]}, {"where": "state:failed"}):
        with pytest.raises(UsageError):
            tracked.question(**wrong)  # type: ignore[arg-type]
