"""The application, asked as a client asks: answers, errors with the right status, and a server that stays up."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

import httpx
import msgspec
import numpy as np
import polars as pl
import pytest

from argosy.errors import ConflictError
from argosy.serving.app import App, Settings
from argosy.serving.cache import ModelCache, blob_loader
from argosy.serving.limits import MAX_ID
from argosy.serving.routing import Routing
from argosy.serving.score import Scorer
from argosy.store import artifacts, declarations, rules, versions
from tests.serving.conftest import FLIGHTS, NOW, declared
from tests.serving.served import TOKEN, URL, Served, body, outputs, tensor


def probability(served: Served, address: str, rows: list[list[float]]) -> list[float]:
    found: list[float] = served.fleet.estimators[address].predict_proba(np.array(rows))[:, 1].tolist()
    return found


def test_one_row_is_joined_derived_routed_and_answered(served: Served) -> None:
    got = outputs(served.post(body()))
    assert got["version"] == ["late-arrival/JFK/AA@1"] and got["route"] == ["own"] and got["stale"] == [False]
    assert got["prediction"] == probability(served, "late-arrival/JFK/AA@1", [[0.25, 15, 3.0, 0.5, 1]])
    assert served.weather.asked == [NOW]


def test_a_batch_mixes_members_and_equals_its_rows_one_by_one(served: Served) -> None:
    origins, carriers = ["JFK", "JFK", "LGA", "EWR", "JFK"], ["AA", "B6", "UA", "VX", "B6"]
    whole = body(
        5,
        origin=tensor("origin", "BYTES", origins),
        carrier=tensor("carrier", "BYTES", carriers, [5, 1]),
        dest=tensor("dest", "BYTES", ["BOS", None, "MIA", "XXX", "LAX"]),
        distance=tensor("distance", "FP32", [0.1, -1.0, None, 2.0, 0.7]),
    )
    got = outputs(served.post(whole))
    assert got["route"] == ["own", "own", "pooled", "unknown", "own"]
    assert got["version"][1:4] == ["late-arrival/JFK/B6@1", "late-arrival/*@1", "late-arrival/*@1"]
    for i in range(5):
        one = {"inputs": [{**t, "shape": [1], "data": t["data"][i : i + 1]} for t in whole["inputs"]]}
        assert {name: data[0] for name, data in outputs(served.post(one)).items()} == {
            name: data[i] for name, data in got.items() if name != "flags" or data[i]
        }


def test_supplied_values_win(served: Served) -> None:
    more = {name: tensor(name, "FP64", [value]) for name, value in [("hour", 4.0), ("temp", -1.0), ("wind", 1.0)]}
    got = outputs(served.post(body(**more)))
    assert got["prediction"] == probability(served, "late-arrival/JFK/AA@1", [[0.25, 4, -1.0, 1.0, 1]])
    assert served.weather.asked == []


def test_features_beyond_their_time_to_live_are_null_and_said_so(served: Served) -> None:
    served.weather.age = timedelta(hours=7)
    got = outputs(served.post(body()))
    assert got["stale"] == [True]
    assert got["prediction"] == probability(served, "late-arrival/JFK/AA@1", [[0.25, 15, np.nan, np.nan, 1]])


@pytest.mark.parametrize(
    ("at", "asked"),
    [
        ("2013-03-01T00:00:00+01:00", "2013-02-28T23:00:00+00:00"),
        (["2013-03-01T00:00:00Z"], "2013-03-01T00:00:00+00:00"),
        ("event", "2013-04-01T14:30:00+00:00"),
    ],
)
def test_the_request_may_state_its_decision_time(served: Served, at: Any, asked: str) -> None:
    outputs(served.post(body() | {"parameters": {"at": at}}))
    assert served.weather.asked == [datetime.fromisoformat(asked)]


@pytest.mark.parametrize("at", ["9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+14:00"])
def test_a_time_that_utc_has_no_year_for_is_refused(served: Served, at: str) -> None:
    row = {"flight": "f", "origin": "JFK", "carrier": "AA", "departure": at, "distance": 0.25, "dest": "BOS"}
    good = row | {"departure": "2013-04-01T15:30:00Z"}
    tensors = body()
    tensors["inputs"] = [each | {"data": [at]} if each["name"] == "departure" else each for each in tensors["inputs"]]
    for sent, path in (
        (tensors, "/v2/models/late-arrival/infer"),
        ([row], "/predict/late-arrival"),
        ({"records": [good], "at": at}, "/predict/late-arrival"),
        ({"records": [good], "at": [at]}, "/predict/late-arrival"),
        ({"instances": [row]}, "/invocations"),
    ):
        found = served.post(sent, path)
        assert found.status_code == 400 and "beyond the year 9999 or before the year 1" in found.json()["error"]


def test_an_event_time_that_leaves_no_room_for_the_lead_is_refused(served: Served) -> None:
    row = {"flight": "f", "origin": "JFK", "carrier": "AA", "departure": "0001-01-01T00:00:00Z", "distance": 0.25}
    found = served.post({"records": [row | {"dest": "BOS"}], "at": "event"}, "/predict/late-arrival")
    assert found.status_code == 400
    assert found.json()["error"].startswith("the event time of a row less the lead of fleet 'late-arrival' is a time")


def test_a_name_that_is_not_known_is_told_in_part(served: Served) -> None:
    long = "x" * 5000
    for path, sent in ((f"/predict/{long}", []), ("/predict/late-arrival", [{long: 1}])):
        assert len(served.post(sent, path).json()["error"]) < 400


@pytest.mark.parametrize("extra", [0, 1])
def test_an_id_is_as_long_as_it_may_be_at_every_door(served: Served, extra: int) -> None:
    """It is kept with each row of its request."""
    id, row = "é" * (MAX_ID + extra), {each["name"]: each["data"][0] for each in body()["inputs"]}
    beside = {"parameters": {"other": 1}}  # another way through the same door
    answers = [
        served.post(body() | {"id": id}), served.post(body() | beside | {"id": id}),
        served.post({"records": [row], "id": id}, url="/predict/late-arrival"),
        served.post([row], url=f"/predict/late-arrival?id={id}"),
        served.post({"dataframe_records": [row], "params": {"id": id}}, url="/invocations/late-arrival"),
    ]  # fmt: skip
    assert {each.status_code for each in answers} == {400 if extra else 200}, [each.text for each in answers]
    assert not extra or all(str(MAX_ID) in each.text for each in answers)


def test_outputs_can_be_chosen(served: Served) -> None:
    got = outputs(served.post(body() | {"outputs": [{"name": "route"}]}))
    assert got == {"route": ["own"]}


def test_people_send_records(served: Served) -> None:
    row = {"flight": "f", "origin": "JFK", "carrier": "B6", "departure": "2013-04-01T15:30:00Z", "distance": 0.25}
    answer = served.post([row | {"dest": "BOS"}, row | {"dest": None}], "/predict/late-arrival").json()
    wanted = probability(served, "late-arrival/JFK/B6@1", [[0.25, 15, 3.0, 0.5, 0], [0.25, 15, 3.0, 0.5, np.nan]])
    assert [each["prediction"] for each in answer["predictions"]] == wanted
    lacking = served.post([row], "/predict/late-arrival")
    assert lacking.status_code == 400 and "record 0 lacks the input 'dest'" in lacking.json()["error"]


def test_other_refusals_have_their_status(served: Served) -> None:
    async def talk(client: httpx.AsyncClient) -> list[int]:
        good = msgspec.json.encode(body())
        answers = [
            await client.post("/v2/models/other/infer", content=good),
            await client.get("/v2/models/other"),
            await client.post("/v2/nothing", content=good),
            await client.put(URL, content=good),
            await client.post(URL, content=good, headers={"Content-Type": "text/csv"}),
            await client.post(URL, content=good, headers={"Content-Encoding": "gzip"}),
            await client.post(URL, content=good, headers={"Inference-Header-Content-Length": "10"}),
            await client.post(URL, content=b" " * 100_001),
            await client.post(URL, content=good, headers={"Host": "evil.example:8080"}),
            await client.post(URL, content=good, headers={"Authorization": "Bearer wrong"}),
            await client.post("/v2/repository/models/late-arrival/unload"),
        ]
        assert all(answer.json()["error"] for answer in answers)
        return [answer.status_code for answer in answers]

    assert served.run(talk) == [404, 404, 404, 405, 415, 400, 400, 413, 421, 401, 409]


def test_a_path_that_is_not_there_says_which_one_is(served: Served) -> None:
    async def talk(client: httpx.AsyncClient) -> list[str]:
        answers = [
            await client.post("/predict", json=[]),
            await client.get("/predict/late-arrival"),
            await client.get("/v2/models/late-arrival/infer"),
        ]
        assert [answer.status_code for answer in answers] == [404] * 3
        return [answer.json()["error"].splitlines()[1].strip() for answer in answers]

    bare, read, infer = served.run(talk)
    assert bare == read and bare.startswith("next: POST /predict/late-arrival predicts; ")
    assert infer.startswith("next: POST /v2/models/late-arrival/infer predicts; ")


def test_everything_but_health_needs_the_token(served: Served) -> None:
    async def talk(client: httpx.AsyncClient) -> None:
        del client.headers["Authorization"]
        for method, path in ROUTES:
            wanted = 200 if path in ("/v2/health/live", "/v2/health/ready") else 401
            assert (await client.request(method, path)).status_code == wanted, path

    served.run(talk)


ROUTES = [
    ("GET", "/v2"), ("GET", "/v2/health/live"), ("GET", "/v2/health/ready"), ("GET", "/v2/models/late-arrival"),
    ("GET", "/v2/models/late-arrival/ready"), ("GET", "/metrics"), ("POST", URL), ("POST", "/predict/late-arrival"),
    ("POST", "/v2/repository/index"), ("POST", "/v2/repository/models/late-arrival/load"), ("POST", "/argosy/flush"),
    ("GET", "/v2/health/live/x"), ("DELETE", "/v2"), ("GET", "/nothing"),
]  # fmt: skip


def test_metadata_repository_and_metrics(served: Served) -> None:
    async def talk(client: httpx.AsyncClient) -> None:
        assert (await client.get("/v2")).json()["name"] == "argosy"
        metadata = (await client.get("/v2/models/late-arrival")).json()
        inputs = {each["name"]: (each["datatype"], each["parameters"]["required"]) for each in metadata["inputs"]}
        assert inputs == {
            "origin": ("BYTES", True), "carrier": ("BYTES", True), "departure": ("BYTES", True),
            "distance": ("FP64", True), "dest": ("BYTES", True), "flight": ("BYTES", False),
            "hour": ("FP64", False), "temp": ("FP64", False), "wind": ("FP64", False),
        }  # fmt: skip
        assert (await client.get("/v2/models/late-arrival/ready")).json()["ready"] is True
        assert (await client.post("/v2/repository/index")).json()[0]["state"] == "READY"
        assert (await client.post("/v2/repository/models/late-arrival/load")).json()["versions"] == 3
        await client.post(URL, json=body(3))
        assert (await client.post("/argosy/flush")).json() == {"rows": 3}
        text = (await client.get("/metrics")).text
        assert 'argosy_rows_total{fleet="late-arrival",route="own"} 3' in text
        assert "argosy_recorded_rows_total 3" in text and "argosy_cache_models 3" in text

    served.run(talk)


def test_every_answered_row_is_recorded_with_its_features(served: Served) -> None:
    got = outputs(served.post(body(2, carrier=tensor("carrier", "BYTES", ["AA", "ZZ"]))))
    rows = served.recorded().sort("row_key")
    assert rows["row_key"].to_list() == ["f0", "f1"]
    assert rows["member"].to_list() == ["JFK/AA", "JFK/ZZ"]
    assert rows["prediction"].to_list() == got["prediction"] and rows["version"].to_list() == got["version"]
    assert rows["route"].to_list() == ["own", "unknown"] and rows["request_id"].to_list() == ["r1", "r1"]
    assert rows["at"].to_list() == [NOW, NOW] and rows["one_in"].to_list() == [1, 1]
    assert 0 < rows["latency_us"][0] < 10_000_000
    assert rows.select("distance", "hour", "temp", "wind", "dest").row(0) == (0.25, 15.0, 3.0, 0.5, "LAX")
    assert served.post(body(dest=None)).status_code == 400
    assert len(served.recorded()) == 2


def test_a_tagged_column_is_scored_and_not_recorded(served: Served) -> None:
    before = outputs(served.post(body()))
    tags = declared(msgspec.structs.replace(FLIGHTS, tags={"dest": "pii"}))
    with served.fleet.store.write() as tx:
        declarations.add(tx, [tags])
    for rows in (1, 3):
        got = outputs(served.post(body(rows, flight=tensor("flight", "BYTES", [f"g{i}" for i in range(rows)]))))
        assert got["prediction"] == before["prediction"] * rows
    served.recorder.flush()
    frames = [pl.read_ipc(path) for path in served.segments.rglob("*.arrow")]
    assert sorted(("dest" in frame.columns, frame.height) for frame in frames) == [(False, 4), (True, 1)]


def test_a_new_champion_and_a_canary_take_over_without_a_restart(served: Served) -> None:
    assert outputs(served.post(body()))["version"] == ["late-arrival/JFK/AA@1"]
    served.fleet.add_version("JFK/AA", 7)
    assert outputs(served.post(body()))["version"] == ["late-arrival/JFK/AA@2"]
    served.fleet.add_version("JFK/AA", 8, champion=False, share=0.5)
    got = outputs(served.post(body(200)))
    split = {version: got["version"].count(version) for version in set(got["version"])}
    assert set(split) == {"late-arrival/JFK/AA@2", "late-arrival/JFK/AA@3"} and min(split.values()) > 60
    assert {r for r, v in zip(got["route"], got["version"], strict=True) if v.endswith("@3")} == {"canary"}
    assert outputs(served.post(body(200)))["version"] == got["version"]


def test_a_callers_rule_sends_its_rows_and_the_answer_says_so(served: Served) -> None:
    old = served.fleet.add_version("JFK/AA", 7, champion=False)
    own = outputs(served.post(body(3)))
    assert own["route"] == ["own"] * 3

    def lay(target: str, version: int | None = None) -> None:
        who = {"fleet": "late-arrival", "member_id": None, "caller": "argosy serve", "at": NOW, "actor": "ann"}
        with served.fleet.store.write() as tx:
            rules.add(tx, [rules.NewRule(target=target, version_id=version, **who)])

    with served.fleet.store.read() as conn:
        found = versions.find(conn, "late-arrival", "JFK/AA", 2)
    assert found is not None
    lay("version", found.id)
    for rows in (1, 3, 100):
        got = outputs(served.post(body(rows)))
        assert (got["route"], got["version"]) == (["caller"] * rows, [old] * rows)
    assert served.recorded()["route"].unique().sort().to_list() == ["caller", "own"]
    lay("none")
    assert outputs(served.post(body(3))) == own


def test_a_version_that_a_rule_names_and_that_cannot_be_read_costs_no_request(served: Served) -> None:
    served.fleet.add_version("JFK/AA", 7, champion=False)
    with served.fleet.store.write() as tx:
        found = versions.find(tx, "late-arrival", "JFK/AA", 2)
        assert found is not None
        new = rules.NewRule(
            fleet="late-arrival", member_id=None, caller="argosy serve", target="version", version_id=found.id, at=NOW,
            actor="ann",
        )  # fmt: skip
        rules.add(tx, [new])
        slot = artifacts.get(tx, [found.artifact])[found.artifact].slot
    served.fleet.store.blobs.path(slot.pack or slot.digest).unlink()
    for _ in range(2):
        got = outputs(served.post(body(3)))
        assert (got["route"], got["version"]) == (["own"] * 3, ["late-arrival/JFK/AA@1"] * 3)


def test_the_last_picture_stays_while_the_store_cannot_be_read(served: Served) -> None:
    served.run(lambda client: client.get("/v2"))
    cache = ModelCache(blob_loader(served.fleet.store.blobs))
    broken = App(Settings(TOKEN), lambda: _raise(), Scorer(cache, lambda: NOW), cache)

    async def talk() -> None:
        await broken.start()
        await broken.stop()

    asyncio.run(talk())
    assert broken.routing.version == -1


def _raise() -> Routing | None:
    raise ConflictError("the store is busy")


def test_a_short_token_is_refused() -> None:
    with pytest.raises(ValueError, match="shorter than 16"):
        Settings("secret")
