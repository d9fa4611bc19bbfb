"""Contributions that are recorded beside what was answered: of a share of the rows, and where a caller asks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import numpy as np
import polars as pl
import pytest

from argosy.serving.app import App, Settings
from argosy.serving.cache import Loaded, ModelCache, blob_loader
from argosy.serving.explainer import FOLDER, MOST, drawn
from argosy.serving.recorder import Recorder
from argosy.serving.routing import Endpoint, VersionRef
from argosy.serving.score import Scorer
from argosy.serving.shadow import Shadows
from argosy.serving.snapshot import Source
from argosy.spec.dataset import Dataset
from argosy.spec.monitor import Attribution
from argosy.spec.source import Parquet
from argosy.store import declarations
from tests.serving.conftest import FLEET, NOW, SIGNATURE, Fixture, declared
from tests.serving.served import TOKEN, Served, Weather, body

Make = Callable[..., tuple[Served, Shadows]]


@pytest.fixture
def make(fleet: Fixture, tmp_path: Path) -> Iterator[Make]:
    """An application whose fleet has a `share` of its rows explained."""
    made: list[Recorder | Shadows] = []

    def making(share: float, loader: Callable[[VersionRef], Loaded] | None = None) -> tuple[Served, Shadows]:
        with fleet.store.write() as tx:
            watched = msgspec.structs.replace(FLEET, monitors=(Attribution(share=share),))
            declarations.add(tx, [declared(watched)])
        cache, segments, weather = (
            ModelCache(loader or blob_loader(fleet.store.blobs)),
            tmp_path / "segments",
            Weather(),
        )
        recorder = Recorder(segments, lambda: NOW)
        shadows = Shadows(cache, Recorder(segments, lambda: NOW))
        made.extend([recorder, shadows])
        scorer = Scorer(cache, lambda: NOW, lambda endpoint: weather, recorder, shadows)
        app = App(Settings(TOKEN, body_limit=100_000), Source(fleet.store), scorer, cache, recorder)
        return Served(app, fleet, weather, recorder, segments), shadows

    yield making
    for each in made:
        each.close()


def told(served: Served, shadows: Shadows, folder: str = FOLDER) -> pl.DataFrame:
    shadows.flush()
    served.recorder.flush()
    parts = [pl.read_ipc(path) for path in sorted((served.segments / FLEET.name / folder).glob("*.arrow"))]
    return pl.concat(parts).sort("row_key") if parts else pl.DataFrame()


def test_drawn_rows_are_recorded_with_what_moved_them(fleet: Fixture, make: Make) -> None:
    served, shadows = make(1.0)
    assert served.post(body(3)).status_code == 200
    rows, answered = told(served, shadows), told(served, shadows, ".")
    same = ["row_key", "member", "at", "request_id", "version", "route", "prediction", "stale"]
    assert rows.height == 3 and rows.select(same).equals(answered.select(same))
    assert rows["share"].to_list() == [1.0] * 3 and rows["hidden"].null_count() == 3
    assert set(rows["space"]) == {"log_odds"}
    named = [{each["feature"]: each["contribution"] for each in row} for row in rows["contributions"]]
    assert all(tuple(each) == SIGNATURE.names for each in named)
    score = rows["base"].to_numpy() + [sum(each.values()) for each in named]
    np.testing.assert_allclose(1 / (1 + np.exp(-score)), rows["prediction"].to_numpy())
    assert served.segments.joinpath(FLEET.name, FOLDER).is_dir() and shadows.explainer.recorded == 3


def test_a_share_is_drawn_by_lot_and_none_where_it_is_not_declared(fleet: Fixture, make: Make) -> None:
    endpoint = Endpoint("f", "binary", (), (), explained=0.25)
    lots = iter([0.3, 0.2, 0.9, 0.1])
    assert drawn(endpoint, 4, lambda: next(lots)) == (1, 3)
    assert drawn(Endpoint("f", "binary", (), ()), 100) == ()
    served, shadows = make(0.0)
    served.post(body(3))
    assert told(served, shadows).is_empty() and shadows.explainer.recorded == 0


def test_what_a_caller_asked_for_is_recorded_as_it_was_told_and_is_no_sample(fleet: Fixture, make: Make) -> None:
    served, shadows = make(0.0)
    answer = served.post({**body(2), "parameters": {"explain": True}}).json()
    outputs = {each["name"]: each for each in answer["outputs"]}
    rows = told(served, shadows)
    flat = [each["contribution"] for row in rows["contributions"] for each in row]
    assert flat == outputs["contributions"]["data"] and rows["base"].to_list() == outputs["base"]["data"]
    assert rows["share"].to_list() == [None, None]


def test_features_that_are_not_recorded_have_one_contribution_together(fleet: Fixture, make: Make) -> None:
    weather = Dataset("weather", time="observed", source=Parquet("w"), tags={"temp": "pii", "wind": "sensitive"})
    with fleet.store.write() as tx:
        declarations.add(tx, [declared(weather)])
    served, shadows = make(1.0)
    served.post(body(2))
    rows = told(served, shadows)
    names = [each["feature"] for each in rows["contributions"][0]]
    assert names == ["distance", "hour", "dest"] and rows["hidden"].null_count() == 0
    score = rows["base"] + rows["hidden"] + rows["contributions"].list.eval(pl.element().struct[1]).list.sum()
    np.testing.assert_allclose(1 / (1 + np.exp(-score.to_numpy())), rows["prediction"].to_numpy())


def test_so_many_rows_are_explained_in_a_second_and_the_rest_is_counted(fleet: Fixture, make: Make) -> None:
    served, shadows = make(1.0)
    shadows.explainer._clock = lambda: 7.5  # a second that does not end
    served.post(body(MOST + 20))
    assert told(served, shadows).height == MOST
    assert (shadows.explainer.recorded, shadows.explainer.dropped) == (MOST, 20)
    assert 'argosy_explained_rows_total{outcome="dropped"} 20' in shadows.text()
