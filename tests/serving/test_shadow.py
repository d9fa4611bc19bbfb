"""Shadows: they score what others answer, are recorded beside it, and nobody waits for them or fails by them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import polars as pl
import pytest

from argosy.model.matrix import Matrix
from argosy.model.trusted import content
from argosy.serving.answered import Answered
from argosy.serving.app import App, Settings
from argosy.serving.cache import Loaded, ModelCache, blob_loader
from argosy.serving.derive import Lost
from argosy.serving.recorder import Recorder
from argosy.serving.routing import VersionRef
from argosy.serving.score import Scorer
from argosy.serving.shadow import Shadows
from argosy.serving.snapshot import Source
from argosy.spec.rollout import ABTest, Shadow
from argosy.store import declarations
from tests.serving.conftest import FLEET, NOW, SIGNATURE, Fixture, declared
from tests.serving.served import TOKEN, Served, Weather, body, outputs, tensor

Make = Callable[..., tuple[Served, Shadows]]


@pytest.fixture
def make(fleet: Fixture, tmp_path: Path) -> Iterator[Make]:
    """An application with shadows, and those; `loader` loads models."""
    made: list[Recorder | Shadows] = []

    def making(loader: Callable[[VersionRef], Loaded] | None = None, limit: int = 20_000) -> tuple[Served, Shadows]:
        cache = ModelCache(loader or blob_loader(fleet.store.blobs))
        segments, weather = tmp_path / "predictions", Weather()
        recorder = Recorder(segments, lambda: NOW)
        shadows = Shadows(cache, Recorder(segments, lambda: NOW), limit=limit)
        made.extend([recorder, shadows])
        scorer = Scorer(cache, lambda: NOW, lambda endpoint: weather, recorder, shadows)
        app = App(Settings(TOKEN, body_limit=100_000), Source(fleet.store), scorer, cache, recorder)
        return Served(app, fleet, weather, recorder, segments), shadows

    yield making
    for each in made:
        each.close()


def told(served: Served, shadows: Shadows) -> pl.DataFrame:
    """What is recorded, by route and row."""
    shadows.flush()
    served.recorder.flush()
    parts = [pl.read_ipc(path) for path in sorted(served.segments.rglob("*.arrow"))]
    return pl.concat(parts, how="diagonal").sort("route", "row_key")


def test_a_shadow_scores_what_the_champion_answers_and_is_recorded_beside_it(fleet: Fixture, make: Make) -> None:
    address = fleet.add_version("JFK/AA", 8, champion=False, share=1.0, kind="shadow")
    served, shadows = make()
    answer = outputs(served.post(body(3)))
    assert set(answer["version"]) == {"late-arrival/JFK/AA@1"} and set(answer["route"]) == {"own"}
    rows = told(served, shadows)
    own, beside = rows.filter(pl.col("route") == "own"), rows.filter(pl.col("route") == "shadow")
    same = ["row_key", "member", "at", "request_id", "distance", "hour", "temp", "wind", "dest", "stale"]
    assert own.select(same).equals(beside.select(same)) and beside.height == 3
    assert set(beside["version"]) == {address}
    features = beside.select("distance", "hour", "temp", "wind").with_columns(pl.lit(1.0))  # LAX is code 1
    expected = fleet.estimators[address].predict_proba(features.to_numpy())[:, 1]
    assert beside["prediction"].to_list() == pytest.approx(expected.tolist())
    assert beside["prediction"].to_list() != own["prediction"].to_list()
    assert (shadows.scored, shadows.failed, shadows.dropped) == (3, 0, 0)


class Still:
    """A pickle that answers at once, or never."""

    def __init__(self, answers: bool) -> None:
        self.answers = answers

    def predict_proba(self, rows: Matrix) -> Any:
        while not self.answers:
            pass
        return np.tile([0.75, 0.25], (len(rows), 1))


def test_who_answers_by_a_pickle_does_not_wait_for_a_shadow_that_is_one(fleet: Fixture, make: Make) -> None:
    width = len(SIGNATURE.features)
    made = [
        ("pickle", content.pack(Still(answers), width, "binary", np.zeros((1, width)))) for answers in (True, False)
    ]
    fleet.add_version("JFK/AA", 8, made=made[0])
    fleet.add_version("JFK/AA", 9, champion=False, share=1.0, kind="shadow", made=made[1])
    served, shadows = make()
    served.post(body(3))
    time.sleep(1.5)  # the shadow has been loaded, and hangs
    slowest = 0.0
    for _ in range(20):
        began = time.monotonic()
        assert outputs(served.post(body(3)))["prediction"] == [0.25] * 3
        slowest = max(slowest, time.monotonic() - began)
    assert slowest < 0.5
    shadows.flush()
    assert shadows.failed >= 3 and shadows.scored == 0


def test_a_share_of_the_rows_is_always_the_same(fleet: Fixture, make: Make) -> None:
    fleet.add_version("JFK/AA", 8, champion=False, share=0.5, kind="shadow")
    served, shadows = make()
    for _ in range(2):
        served.post(body(60))
    keys = told(served, shadows).filter(pl.col("route") == "shadow")["row_key"]
    assert 15 <= keys.n_unique() <= 45 and keys.len() == 2 * keys.n_unique()


def test_the_pooled_models_shadow_scores_the_rows_that_it_answers_alone(fleet: Fixture, make: Make) -> None:
    address = fleet.add_version("*", 8, champion=False, share=1.0, kind="shadow")
    served, shadows = make()
    carriers = tensor("carrier", "BYTES", ["AA", "UA", "ZZ"])
    origins = tensor("origin", "BYTES", ["JFK", "LGA", "EWR"])
    assert outputs(served.post(body(3, carrier=carriers, origin=origins)))["route"] == ["own", "pooled", "unknown"]
    beside = told(served, shadows).filter(pl.col("route") == "shadow")
    assert beside["member"].to_list() == ["LGA/UA", "EWR/ZZ"] and set(beside["version"]) == {address}


def test_nobody_waits_for_a_shadow_that_hangs_and_what_does_not_fit_is_dropped(fleet: Fixture, make: Make) -> None:
    address = fleet.add_version("JFK/AA", 8, champion=False, share=1.0, kind="shadow")
    load, go = blob_loader(fleet.store.blobs), threading.Event()

    def hanging(ref: VersionRef) -> Loaded:
        if ref.address == address:
            assert go.wait(60)
        return load(ref)

    served, shadows = make(hanging, limit=10)
    for _ in range(5):
        assert len(outputs(served.post(body(4)))["prediction"]) == 4
    assert shadows.scored == 0 and shadows.dropped == 12
    go.set()
    assert told(served, shadows).group_by("route").len().sort("route").rows() == [("own", 20), ("shadow", 8)]
    assert 'argosy_shadow_rows_total{outcome="dropped"} 12' in shadows.text()


def test_a_shadow_that_cannot_be_loaded_fails_alone(fleet: Fixture, make: Make) -> None:
    address = fleet.add_version("JFK/AA", 8, champion=False, share=1.0, kind="shadow")
    load = blob_loader(fleet.store.blobs)

    def failing(ref: VersionRef) -> Loaded:
        if ref.address == address:
            raise OSError("a bad disk")
        return load(ref)

    served, shadows = make(failing)
    assert len(outputs(served.post(body(2)))["prediction"]) == 2
    beside = told(served, shadows).filter(pl.col("route") == "shadow")
    assert beside["prediction"].to_list() == [None, None] and set(beside["version"]) == {address}
    assert (shadows.scored, shadows.failed) == (0, 2)


def test_rows_that_do_not_fit_a_shadow_are_its_failures_and_the_others_are_scored(fleet: Fixture, make: Make) -> None:
    fleet.add_version("JFK/AA", 8, champion=False, share=1.0, kind="shadow")
    picture = Source(fleet.store)()
    assert picture is not None
    served, shadows = make()
    columns = {"distance": [0.1, 0.2, "far"], "hour": [1.0, None, 2.0], "temp": [3.0] * 3, "wind": [1.0] * 3}
    columns["dest"] = ["LAX"] * 3
    lost = {"hour": Lost(FLEET.name, {1: "no such hour"})}
    names, routes = ["a", "b", "c"], ["own"] * 3
    endpoint, keys = picture.endpoints[FLEET.name], ["JFK/AA"] * 3
    champions, scores = [endpoint.versions[0]] * 3, [0.5] * 3
    given = Answered(endpoint, "r", keys, names, NOW, columns, lost, None, routes, champions, scores)
    shadows.offer(given)
    shadows.offer(msgspec.structs.replace(given, columns={name: columns[name] for name in ("distance", "dest")}))
    rows = told(served, shadows)
    assert rows.filter(pl.col("prediction").is_not_null())["row_key"].to_list() == ["a"]
    assert rows.filter(pl.col("prediction").is_null())["row_key"].to_list() == ["a", "b", "b", "c", "c"]
    assert (shadows.scored, shadows.failed) == (1, 5)


def test_a_request_that_names_its_version_is_scored_by_no_shadow(fleet: Fixture, make: Make) -> None:
    fleet.add_version("JFK/B6", 8, champion=False, share=1.0, kind="shadow")
    fleet.add_version("JFK/AA", 9)
    served, shadows = make()
    answer = served.post(body(1), "/v2/models/late-arrival/versions/2/infer")
    assert answer.status_code == 200, answer.text
    assert told(served, shadows)["route"].to_list() == ["own"]


def test_shadows_stop_with_what_they_were_given_scored(fleet: Fixture, make: Make) -> None:
    fleet.add_version("JFK/AA", 8, champion=False, share=1.0, kind="shadow")
    served, shadows = make()
    served.post(body(7))
    shadows.close()
    assert served.recorded().filter(pl.col("route") == "shadow").height == 7


def test_an_ab_test_assigns_all_rows_of_one_key_to_one_version(fleet: Fixture, make: Make) -> None:
    test = msgspec.structs.replace(FLEET, rollout=ABTest(share=0.5, by="carrier"))
    by_distance = msgspec.structs.replace(FLEET, rollout=ABTest(share=0.5, by="distance"))
    fleet.add_version("JFK/AA", 8, champion=False, share=0.5, kind="ab_test")
    for declaration, routes in ((test, {1}), (by_distance, {1, 2})):
        with fleet.store.write() as tx:
            declarations.add(tx, [declared(declaration)])
        served, _ = make()
        distances = tensor("distance", "FP64", [float(i // 10) for i in range(100)])
        found = outputs(served.post(body(100, distance=distances)))["route"]
        assert len(set(found)) in routes
        assert all(len(set(found[i : i + 10])) == 1 for i in range(0, 100, 10))
        assert outputs(served.post(body(100, distance=distances)))["route"] == found


def test_the_column_of_an_ab_test_may_be_carried_and_need_not(fleet: Fixture) -> None:
    test = msgspec.structs.replace(FLEET, rollout=ABTest(by="passenger"))
    with fleet.store.write() as tx:
        declarations.add(tx, [declared(test)])
    picture = Source(fleet.store)()
    assert picture is not None
    endpoint = picture.endpoints[FLEET.name]
    (passenger,) = [each for each in endpoint.inputs if each.name == "passenger"]
    assert endpoint.sticky == "passenger" and not passenger.required
    with fleet.store.write() as tx:
        declarations.add(tx, [declared(msgspec.structs.replace(FLEET, rollout=Shadow()))])
    picture = Source(fleet.store)()
    assert picture is not None and picture.endpoints[FLEET.name].sticky is None
