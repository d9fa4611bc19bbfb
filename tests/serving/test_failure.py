"""Versions that fail: the row is recorded against them, and a canary costs no request."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import msgspec
import numpy as np
import numpy.typing as npt
import polars as pl
import pytest

from argosy.model.format import Matrix
from argosy.model.signature import Feature, Signature
from argosy.serving.app import App, Settings
from argosy.serving.cache import Loaded, ModelCache, blob_loader
from argosy.serving.recorder import Recorder
from argosy.serving.routing import VersionRef
from argosy.serving.score import Scorer
from argosy.serving.segment import META, ONE_IN
from argosy.serving.snapshot import Source
from argosy.spec.feature import FeatureView, request_features
from argosy.store import artifacts, declarations, versions
from tests.serving import conftest
from tests.serving.conftest import FLEET, NOW, SIGNATURE, Fixture, declared
from tests.serving.served import TOKEN, Served, Weather, body, outputs, tensor

AA, B6, POOLED = "late-arrival/JFK/AA", "late-arrival/JFK/B6", "late-arrival/*"
Predict = Callable[[Matrix], npt.NDArray[np.float64]]


class Sick:
    """A model that does with its rows what it is told."""

    def __init__(self, healthy: Loaded, predict: Predict) -> None:
        self.features, self.bytes_in_memory = healthy.model.features, healthy.model.bytes_in_memory
        self.predict = predict


def raises(matrix: Matrix) -> npt.NDArray[np.float64]:
    raise RuntimeError("out of order")


def no_number(matrix: Matrix) -> npt.NDArray[np.float64]:
    """No number for rows whose first feature is negative."""
    return np.where(matrix[:, 0] < 0, np.nan, 0.5)


class Clinic(msgspec.Struct):
    """A served fleet in which versions fall sick, by address; what was loaded, in order, and the time."""

    served: Served
    sick: dict[str, Predict]
    loads: list[str] = []
    now: datetime = NOW

    def recorded(self) -> pl.DataFrame:
        """What each version was to answer: row key, version, route, prediction."""
        self.served.recorder.flush()
        frames = [pl.read_ipc(path) for path in sorted(self.served.segments.rglob("*.arrow"))]
        return pl.concat(frames, how="diagonal").select("row_key", "version", "route", "prediction")

    def failed(self) -> dict[str, list[str]]:
        """The row keys that each version failed on."""
        rows = self.recorded().filter(pl.col("prediction").is_null()).sort("row_key")
        return dict(rows.group_by("version").agg("row_key").iter_rows())

    def metric(self, address: str) -> int:
        """How many requests a version failed in, as the metrics tell."""
        text: str = self.served.run(lambda client: client.get("/metrics")).text
        line = next((line for line in text.splitlines() if f'version="{address}"' in line), "0")
        return int(line.split()[-1])


@pytest.fixture
def clinic(fleet: Fixture, tmp_path: Path) -> Iterator[Clinic]:
    sick: dict[str, Predict] = {}
    healthy = blob_loader(fleet.store.blobs)

    def loader(ref: VersionRef) -> Loaded:
        clinic.loads.append(ref.address)
        found = healthy(ref)
        return Loaded(Sick(found, sick[ref.address]), found.signature) if ref.address in sick else found

    cache, weather = ModelCache(loader), Weather()
    recorder = Recorder(tmp_path / "predictions", lambda: NOW)
    scorer = Scorer(cache, lambda: clinic.now, lambda endpoint: weather, recorder)
    app = App(Settings(TOKEN), Source(fleet.store), scorer, cache, recorder)
    clinic = Clinic(Served(app, fleet, weather, recorder, tmp_path / "predictions"), sick)
    yield clinic
    recorder.close()


def damage(fleet: Fixture, key: str) -> None:
    """Flip a bit of the latest version's bytes on disk."""
    with fleet.store.read() as conn:
        version = versions.find(conn, "late-arrival", key)
        assert version is not None
        slot = artifacts.get(conn, [version.artifact])[version.artifact].slot
    path = fleet.store.blobs.path(slot.pack or slot.digest)
    data = bytearray(path.read_bytes())
    data[slot.start + slot.bytes // 2] ^= 1
    path.write_bytes(data)


def test_a_canary_that_cannot_be_loaded_costs_no_request(clinic: Clinic) -> None:
    canary = clinic.served.fleet.add_version("JFK/AA", 7, champion=False, share=0.999)
    damage(clinic.served.fleet, "JFK/AA")
    for size in (1, 5, 100):
        got = outputs(clinic.served.post(body(size)))
        assert set(got["version"]) == {f"{AA}@1"} and set(got["route"]) == {"own"}
    rows = clinic.recorded()
    lost = rows.filter(pl.col("version") == canary)
    assert lost.height >= 100 and set(lost["route"]) == {"canary"} and lost["prediction"].null_count() == lost.height
    assert rows.filter(pl.col("version") == f"{AA}@1")["prediction"].null_count() == 0
    assert rows.filter(pl.col("version") == f"{AA}@1").height == 106
    assert clinic.metric(canary) == 3 and clinic.metric(f"{AA}@1") == 0


def test_a_canary_that_cannot_be_loaded_is_tried_again_only_after_some_seconds(clinic: Clinic) -> None:
    canary = clinic.served.fleet.add_version("JFK/AA", 7, champion=False, share=0.999)
    damage(clinic.served.fleet, "JFK/AA")
    for _ in range(3):
        assert outputs(clinic.served.post(body(20)))["route"] == ["own"] * 20
    assert clinic.loads.count(canary) == 1 and clinic.metric(canary) == 3
    damage(clinic.served.fleet, "JFK/AA")  # the same bit again: it is whole
    clinic.now += timedelta(seconds=6)
    assert "canary" in outputs(clinic.served.post(body(20)))["route"]
    assert clinic.loads.count(canary) == 2


def test_a_member_whose_file_is_damaged_falls_back_to_the_pooled_model_and_says_so(clinic: Clinic) -> None:
    damage(clinic.served.fleet, "JFK/AA")
    mixed = {"carrier": tensor("carrier", "BYTES", ["AA", "B6", "AA"])}
    for times in (1, 2):
        got = outputs(clinic.served.post(body(3, **mixed)))
        assert got["version"] == [f"{POOLED}@1", f"{B6}@1", f"{POOLED}@1"]
        assert got["route"] == ["fallback", "own", "fallback"]
        assert clinic.metric(f"{AA}@1") == times and clinic.loads.count(f"{AA}@1") == 1
    assert clinic.failed() == {f"{AA}@1": ["f0", "f0", "f2", "f2"]}
    damage(clinic.served.fleet, "JFK/AA")  # the same bit again: it is whole
    clinic.now += timedelta(seconds=6)
    assert outputs(clinic.served.post(body(3, **mixed)))["route"] == ["own"] * 3


def test_a_pack_that_was_cut_off_costs_its_members_alone_their_own_model(clinic: Clinic) -> None:
    fleet = clinic.served.fleet
    with fleet.store.read() as conn:
        version = versions.find(conn, "late-arrival", "JFK/AA")
        assert version is not None
        slot = artifacts.get(conn, [version.artifact])[version.artifact].slot
    path = fleet.store.blobs.path(slot.pack or slot.digest)
    path.write_bytes(path.read_bytes()[: slot.start + slot.bytes // 2])
    assert outputs(clinic.served.post(body()))["route"] == ["fallback"]
    assert outputs(clinic.served.post(body(carrier=tensor("carrier", "BYTES", ["B6"]))))["route"] == ["own"]


def test_where_no_pooled_model_stands_behind_it_a_champion_that_cannot_be_loaded_is_tried_again_at_once(
    clinic: Clinic,
) -> None:
    damage(clinic.served.fleet, "*")
    elsewhere = {"origin": tensor("origin", "BYTES", ["EWR"])}
    assert clinic.served.post(body(1, **elsewhere)).status_code == 500
    damage(clinic.served.fleet, "*")
    assert outputs(clinic.served.post(body(1, **elsewhere)))["version"] == [f"{POOLED}@1"]


def test_a_canary_that_raises_costs_no_request(clinic: Clinic) -> None:
    wanted = [outputs(clinic.served.post(body(size))) for size in (1, 5, 100)]
    canary = clinic.served.fleet.add_version("JFK/AA", 7, champion=False, share=0.999)
    clinic.sick[canary] = raises
    assert [outputs(clinic.served.post(body(size))) for size in (1, 5, 100)] == wanted
    assert len(clinic.failed()[canary]) >= 100


def test_only_rows_without_a_number_are_taken_from_a_canary(clinic: Clinic) -> None:
    canary = clinic.served.fleet.add_version("JFK/AA", 7, champion=False, share=0.999)
    clinic.sick[canary] = no_number
    got = outputs(clinic.served.post(body(4, distance=tensor("distance", "FP64", [1.0, -1.0, 2.0, -2.0]))))
    assert got["route"] == ["canary", "own", "canary", "own"] and got["prediction"][::2] == [0.5, 0.5]
    assert clinic.failed() == {canary: ["f1", "f3"]}
    one = outputs(clinic.served.post(body(1, distance=tensor("distance", "FP64", [-1.0]))))
    assert one["prediction"] == got["prediction"][1:2]
    assert len(clinic.recorded()) == 4 + 2 + 1 + 1


def test_the_pooled_model_stands_in_where_it_answers_for_the_member(clinic: Clinic) -> None:
    canary = clinic.served.fleet.add_version("LGA/UA", 7, champion=False, share=0.999)
    clinic.sick[canary] = raises
    pooled = clinic.served.fleet.add_version("*", 8, champion=False, share=0.999)
    clinic.sick[pooled] = raises
    where = {"origin": tensor("origin", "BYTES", ["LGA", "EWR"]), "carrier": tensor("carrier", "BYTES", ["UA", "XX"])}
    got = outputs(clinic.served.post(body(2, **where)))
    assert got["version"] == [f"{POOLED}@1"] * 2 and got["route"] == ["pooled", "unknown"]
    assert clinic.failed() == {canary: ["f0"], pooled: ["f1"]}


@pytest.mark.parametrize(("does", "says"), [(raises, "RuntimeError: out of order"), (no_number, "it gives nan")])
def test_a_champion_that_fails_is_blamed_alone(clinic: Clinic, does: Predict, says: str) -> None:
    clinic.sick[f"{AA}@1"] = does
    mixed = {"carrier": tensor("carrier", "BYTES", ["AA", "B6"]), "distance": tensor("distance", "FP64", [-1.0, -1.0])}
    answer = clinic.served.post(body(2, **mixed))
    assert answer.status_code == 500
    assert (
        f"version {AA}@1 fails on row 0: {says}" in answer.json()["error"] and "next: argosy" in answer.json()["error"]
    )
    assert clinic.recorded().rows() == [("f0", f"{AA}@1", "own", None)]
    assert (clinic.metric(f"{AA}@1"), clinic.metric(f"{B6}@1")) == (1, 0)
    assert outputs(clinic.served.post(body(carrier=tensor("carrier", "BYTES", ["B6"]))))["version"] == [f"{B6}@1"]


def test_a_champion_that_fails_where_its_canary_did_is_told_and_both_are_recorded(clinic: Clinic) -> None:
    canary = clinic.served.fleet.add_version("JFK/AA", 7, champion=False, share=0.999)
    clinic.sick[canary] = clinic.sick[f"{AA}@1"] = raises
    answer = clinic.served.post(body(3))
    assert answer.status_code == 500 and f"version {AA}@1 fails on row 0 and 2 more" in answer.json()["error"]
    assert clinic.failed() == {canary: ["f0", "f1", "f2"], f"{AA}@1": ["f0", "f1", "f2"]}
    assert (clinic.metric(f"{AA}@1"), clinic.metric(canary)) == (1, 1)


def test_a_missing_blob_is_the_servers_fault(clinic: Clinic) -> None:
    fleet = clinic.served.fleet
    damage(fleet, "*")
    with fleet.store.read() as conn:
        version = versions.find(conn, "late-arrival", "JFK/AA")
        assert version is not None
        slot = artifacts.get(conn, [version.artifact])[version.artifact].slot
    fleet.store.blobs.path(slot.pack or slot.digest).unlink()
    answer = clinic.served.post(body())
    assert answer.status_code == 500 and f"version {POOLED}@1 fails" in answer.json()["error"]
    assert clinic.failed() == {f"{AA}@1": ["f0"], f"{POOLED}@1": ["f0"]}
    damage(fleet, "*")
    assert outputs(clinic.served.post(body()))["route"] == ["fallback"]


def test_a_callers_fault_blames_nobody(clinic: Clinic) -> None:
    clinic.served.fleet.add_version("JFK/AA", 7, champion=False, share=0.999)
    wrong = {"dest": tensor("dest", "BYTES", [None]), "hour": tensor("hour", "FP64", ["late"])}
    assert clinic.served.post(body(1, **wrong)).status_code == 400
    assert outputs(clinic.served.post(body()))["route"] == ["canary"]
    assert clinic.failed() == {} and len(clinic.recorded()) == 1


def test_rows_that_failed_are_recorded_without_features(clinic: Clinic) -> None:
    clinic.sick[f"{AA}@1"] = raises
    answer: httpx.Response = clinic.served.post(body())
    assert answer.status_code == 500
    clinic.served.recorder.flush()
    [segment] = clinic.served.segments.rglob("*.arrow")
    [row] = pl.read_ipc(segment).to_dicts()
    assert list(row) == [*META, ONE_IN] and row.pop("latency_us") > 0
    assert row == {
        "row_key": "f0", "member": "JFK/AA", "at": NOW, "request_id": "r1", "version": f"{AA}@1", "route": "own",
        "prediction": None, "stale": None, "flags": None, ONE_IN: 1,
    }  # fmt: skip


def test_a_column_that_only_a_canary_needs_costs_no_request(clinic: Clinic, monkeypatch: pytest.MonkeyPatch) -> None:
    fleet = clinic.served.fleet
    docks = FeatureView("docks", "weather", ("gate",), "flights:docks")
    wider = (*FLEET.features, request_features(heavy=pl.col("cargo") > 10), docks)
    with fleet.store.write() as tx:
        declarations.add(tx, [declared(docks), declared(msgspec.structs.replace(FLEET, features=wider))])
    wanted = [outputs(clinic.served.post(body(size))) for size in (1, 20, 100)]
    lacks = [
        Feature("cargo", "number"),
        Feature("heavy", "boolean", origin="request"),
        Feature("free", "number", origin="view:docks"),
    ]
    canaries = []
    for key, each in zip(("JFK/AA", "JFK/B6", "*"), lacks, strict=True):
        monkeypatch.setattr(conftest, "SIGNATURE", Signature((*SIGNATURE.features[:4], each), "binary", "late"))
        canaries.append(fleet.add_version(key, 7, champion=False, share=0.999))
    one = clinic.served.weather.one
    monkeypatch.setattr(
        clinic.served.weather, "one", lambda entity, at: ([*one(entity, at)[0], None], [*one(entity, at)[1], None])
    )
    assert [outputs(clinic.served.post(body(size))) for size in (1, 20, 100)] == wanted
    for carrier, by in (("B6", f"{B6}@1"), ("XX", f"{POOLED}@1")):
        for size in (1, 20):
            where = {"carrier": tensor("carrier", "BYTES", [carrier] * size)}
            assert set(outputs(clinic.served.post(body(size, **where)))["version"]) == {by}
    failed = clinic.failed()
    assert set(failed) == set(canaries) and all(len(rows) >= 21 for rows in failed.values())


def gated(clinic: Clinic) -> Fixture:
    """The fleet, declared with a request feature that can be made of some destinations only."""
    numbered = (*FLEET.features, request_features(gate=pl.col("dest").cast(pl.Int64)))
    with clinic.served.fleet.store.write() as tx:
        declarations.add(tx, [declared(msgspec.structs.replace(FLEET, features=numbered))])
    return clinic.served.fleet


def takes_gate(monkeypatch: pytest.MonkeyPatch) -> None:
    """Versions that are added from now on take that feature."""
    gate = Feature("gate", "number", origin="request")
    monkeypatch.setattr(conftest, "SIGNATURE", Signature((*SIGNATURE.features[:4], gate), "binary", "late"))


def test_a_request_feature_of_a_canary_alone_that_cannot_be_made_costs_no_request(
    clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet = gated(clinic)
    wanted = [outputs(clinic.served.post(body(size))) for size in (1, 20, 100)]
    takes_gate(monkeypatch)
    canary = fleet.add_version("JFK/AA", 7, champion=False, share=0.999)
    assert [outputs(clinic.served.post(body(size))) for size in (1, 20, 100)] == wanted
    assert len(clinic.failed()[canary]) >= 100 and clinic.metric(canary) == 3
    good = outputs(clinic.served.post(body(20, dest=tensor("dest", "BYTES", ["7"] * 20))))
    assert "canary" in good["route"] and len(clinic.failed()) == 1

    fleet.add_version("JFK/B6", 8)
    fleet.add_version("JFK/B6", 9, champion=False, share=0.5)
    for size in (1, 20):
        answer = clinic.served.post(body(size, carrier=tensor("carrier", "BYTES", ["B6"] * size)))
        assert answer.status_code == 400 and "request features of fleet 'late-arrival' fail" in answer.json()["error"]
    assert set(clinic.failed()) == {canary}


def test_a_value_that_a_request_feature_cannot_be_made_of_costs_its_row_alone(
    clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet = gated(clinic)
    takes_gate(monkeypatch)
    canary = fleet.add_version("JFK/AA", 7, champion=False, share=0.5)
    fleet.add_version("JFK/B6", 8)
    gates = ["7"] * 1000
    routes = outputs(clinic.served.post(body(1000, dest=tensor("dest", "BYTES", gates))))["route"]
    place = routes.index("canary")
    gates[place] = "BOS"
    got = outputs(clinic.served.post(body(1000, dest=tensor("dest", "BYTES", gates))))
    assert got["route"] == [*routes[:place], "own", *routes[place + 1 :]]
    assert clinic.failed() == {canary: [f"f{place}"]}

    carriers = tensor("carrier", "BYTES", ["AA", "B6"] * 500)
    got = outputs(clinic.served.post(body(1000, carrier=carriers, dest=tensor("dest", "BYTES", ["BOS", "7"] * 500))))
    assert set(got["version"]) == {f"{AA}@1", f"{B6}@2"}
    gates = ["7"] * 17 + ["LAX"] + ["7"] * 982
    answer = clinic.served.post(body(1000, carrier=carriers, dest=tensor("dest", "BYTES", gates)))
    assert answer.status_code == 400 and "fail on row 17: " in answer.json()["error"]


@pytest.mark.parametrize("text", ["1", "2", "3", "4"])  # the order of the signatures' digests is none of ours
def test_a_canary_that_takes_a_feature_in_another_type_costs_no_request(
    clinic: Clinic, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    wanted = [outputs(clinic.served.post(body(size))) for size in (1, 20, 100)]
    retyped = (Feature("distance", "category", (text,)), *SIGNATURE.features[1:])
    monkeypatch.setattr(conftest, "SIGNATURE", Signature(retyped, "binary", "late"))
    canary = clinic.served.fleet.add_version("JFK/AA", 7, champion=False, share=0.999)
    assert [outputs(clinic.served.post(body(size))) for size in (1, 20, 100)] == wanted
    assert len(clinic.failed()[canary]) >= 100 and clinic.metric(canary) == 3

    sparse = tensor("distance", "FP64", [None, 1.0, None, 2.0])
    got = outputs(clinic.served.post(body(4, distance=sparse)))
    assert got["route"] == ["canary", "own", "canary", "own"]


def test_values_that_the_champion_does_not_take_either_blame_nobody(clinic: Clinic) -> None:
    clinic.served.fleet.add_version("JFK/AA", 7, champion=False, share=0.5)
    healthy = clinic.served.weather.values["JFK"]
    clinic.served.weather.values["JFK"] = ("cold", 0.5)  # type: ignore[assignment]
    for carrier in ("AA", "B6"):
        for size in (1, 20):
            answer = clinic.served.post(body(size, carrier=tensor("carrier", "BYTES", [carrier] * size)))
            assert answer.status_code == 400 and "feature 'temp' is str" in answer.json()["error"]
    clinic.served.weather.values["JFK"] = healthy
    assert len(outputs(clinic.served.post(body(20)))["version"]) == 20
    assert clinic.failed() == {} and len(clinic.recorded()) == 20
