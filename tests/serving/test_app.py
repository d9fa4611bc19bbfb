"""The application, asked as a client asks: answers, errors with the right status, and a server that stays up."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import msgspec
import numpy as np
import polars as pl
import pytest

from argosy.errors import ConflictError
from argosy.features import source as features
from argosy.features.online import Online
from argosy.features.reader import HISTORY
from argosy.serving.app import App, Settings
from argosy.serving.cache import ModelCache, blob_loader
from argosy.serving.recorder import Recorder
from argosy.serving.routing import Routing
from argosy.serving.score import Scorer
from argosy.serving.snapshot import Source
from tests.serving.conftest import NOW, Fixture

TOKEN = "a-token-for-the-tests"
ASK = {"Authorization": f"Bearer {TOKEN}"}
URL = "/v2/models/late-arrival/infer"


class Weather:
    """An online store of one view: temp and wind by origin, with the age of each."""

    def __init__(self) -> None:
        self.values: dict[str, tuple[float, float]] = {"JFK": (3.0, 0.5), "EWR": (9.0, 1.5)}
        self.asked: list[datetime] = []
        self.age = timedelta(hours=1)

    def one(self, entity: Mapping[str, Any], at: datetime) -> tuple[list[Any], Sequence[timedelta | None]]:
        self.asked.append(at)
        found = self.values.get(entity["origin"])
        if found is None:
            return [None, None], [None]
        return (list(found) if self.age <= timedelta(hours=6) else [None, None]), [self.age]

    def rows(
        self, entities: Mapping[str, Sequence[Any]], at: datetime | Sequence[datetime]
    ) -> tuple[Sequence[Sequence[Any]], Sequence[Sequence[timedelta | None]]]:
        moments = [at] * len(entities["origin"]) if isinstance(at, datetime) else at
        answers = [self.one({"origin": origin}, when) for origin, when in zip(entities["origin"], moments, strict=True)]
        return [values for values, _ in answers], [ages for _, ages in answers]

    def forgotten(self, place: int, at: datetime, now: datetime) -> datetime | None:
        return None


class Served(msgspec.Struct):
    """An application over the fixture's store, and what stands around it."""

    app: App
    fleet: Fixture
    weather: Weather
    recorder: Recorder
    segments: Path

    def run(self, talk: Callable[[httpx.AsyncClient], Awaitable[Any]]) -> Any:
        """Talk to the application with a client that knows the token."""

        async def talking() -> Any:
            await self.app.refresh()
            transport = httpx.ASGITransport(app=self.app, raise_app_exceptions=True)
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", headers=ASK) as client:
                return await talk(client)

        return asyncio.run(talking())

    def post(self, body: Any, url: str = URL, **more: Any) -> httpx.Response:
        """One POST of JSON."""
        answer: httpx.Response = self.run(lambda client: client.post(url, json=body, **more))
        return answer

    def recorded(self) -> pl.DataFrame:
        """Everything on disk after a flush."""
        self.recorder.flush()
        return pl.concat([pl.read_ipc(path) for path in sorted(self.segments.rglob("*.arrow"))])


@pytest.fixture
def served(fleet: Fixture, tmp_path: Path) -> Iterator[Served]:
    cache = ModelCache(blob_loader(fleet.store.blobs))
    recorder = Recorder(tmp_path / "predictions", lambda: NOW)
    weather = Weather()
    scorer = Scorer(cache, lambda: NOW, lambda endpoint: weather, recorder)
    app = App(Settings(TOKEN, body_limit=100_000), Source(fleet.store), scorer, cache, recorder)
    yield Served(app, fleet, weather, recorder, tmp_path / "predictions")
    recorder.close()


def tensor(name: str, datatype: str, data: list[Any], shape: list[int] | None = None) -> dict[str, Any]:
    return {"name": name, "datatype": datatype, "shape": shape or [len(data)], "data": data}


def body(rows: int = 1, **changes: dict[str, Any] | None) -> dict[str, Any]:
    """A good request of `rows` rows, with some inputs replaced (None: left out)."""
    inputs = {
        "flight": tensor("flight", "BYTES", [f"f{i}" for i in range(rows)]),
        "origin": tensor("origin", "BYTES", ["JFK"] * rows),
        "carrier": tensor("carrier", "BYTES", ["AA"] * rows),
        "departure": tensor("departure", "BYTES", ["2013-04-01T15:30:00Z"] * rows),
        "distance": tensor("distance", "FP64", [0.25] * rows),
        "dest": tensor("dest", "BYTES", ["LAX"] * rows),
    }
    inputs.update({name: change for name, change in changes.items() if change is not None})
    return {"id": "r1", "inputs": [v for k, v in inputs.items() if changes.get(k, v) is not None]}


def outputs(answer: httpx.Response) -> dict[str, list[Any]]:
    assert answer.status_code == 200, answer.text
    return {output["name"]: output["data"] for output in answer.json()["outputs"]}


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
            name: data[i] for name, data in got.items()
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


BAD: list[tuple[dict[str, Any], str]] = [
    (body(dest=None), "lacks the input 'dest'"),
    (body(colour=tensor("colour", "BYTES", ["red"])), "no input 'colour'"),
    (body(distance=tensor("distance", "BYTES", ["far"])), "'distance' has datatype 'BYTES', wanted"),
    (body(distance=tensor("distance", "FP64", ["far"])), "'distance' holds 'far' \\(str\\) in row 0"),
    (body(distance=tensor("distance", "FP64", [True])), "'distance' holds 'True'"),
    (body(distance=tensor("distance", "INT8", [300])), "wanted INT8"),
    (body(distance=tensor("distance", "FP64", [1.0], [1, 2])), "has shape \\[1, 2\\]"),
    (body(distance=tensor("distance", "FP64", [1.0, 2.0])), "has 2 rows"),
    (body(distance=tensor("distance", "FP64", [1.0, 2.0], [1])), "holds 2 values"),
    (body(distance=tensor("distance", "FP64", [], [0])), "has shape \\[0\\]|has 0 rows"),
    (body(carrier=tensor("carrier", "BYTES", [None])), "no value for the key column 'carrier'"),
    (body(departure=tensor("departure", "BYTES", ["2013-04-01 15:30"])), "wanted a time with its offset"),
    (body(departure=tensor("departure", "BYTES", ["soon"])), "wanted a time with its offset"),
    (body() | {"parameters": {"at": "yesterday"}}, "`at` holds 'yesterday'"),
    (body() | {"parameters": {"at": ["2013-03-01T00:00:00Z"] * 2}}, "2 times for 1 rows"),
    (body() | {"outputs": [{"name": "label"}]}, "no output 'label'"),
    ({"inputs": []}, "no inputs"),
    ({"rows": 1}, "not the JSON of a request"),
]


@pytest.mark.parametrize(("bad", "message"), BAD, ids=[message for _, message in BAD])
def test_a_bad_request_is_told_what_is_wrong(served: Served, bad: dict[str, Any], message: str) -> None:
    import re

    answer = served.post(bad)
    assert answer.status_code == 400 and re.search(message, answer.json()["error"]), answer.text
    assert served.post(body()).status_code == 200


@pytest.mark.parametrize("content", [b"", b"{", b'{"inputs": [NaN]}', b"\xff\xfe", b"[" * 50_000, b'{"inputs": 1e999}'])
def test_malformed_json_is_refused(served: Served, content: bytes) -> None:
    answer = served.run(lambda c: c.post(URL, content=content))
    assert answer.status_code == 400 and "error" in answer.json()


def test_a_number_beyond_float64_is_refused(served: Served) -> None:
    content = msgspec.json.encode(body()).replace(b"0.25", b"1" + b"0" * 400)
    answer = served.run(lambda c: c.post(URL, content=content))
    assert answer.status_code == 400, answer.text


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

    assert served.run(talk) == [404, 404, 404, 405, 415, 415, 415, 413, 421, 401, 409]


def test_a_huge_body_is_refused_before_it_is_read(served: Served) -> None:
    read = 0

    async def chunks() -> Any:
        nonlocal read
        for _ in range(1000):
            read += 10_000
            yield b" " * 10_000

    async def stated(client: httpx.AsyncClient) -> httpx.Response:
        return await client.post(URL, content=chunks(), headers={"Content-Length": "10000000"})

    assert served.run(stated).status_code == 413 and read <= 10_000
    read = 0
    assert served.run(lambda client: client.post(URL, content=chunks())).status_code == 413
    assert read <= 200_000


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
    assert rows["at"].to_list() == [NOW, NOW]
    assert rows.select("distance", "hour", "temp", "wind", "dest").row(0) == (0.25, 15.0, 3.0, 0.5, "LAX")
    assert served.post(body(dest=None)).status_code == 400
    assert len(served.recorded()) == 2


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


def test_the_last_picture_stays_while_the_store_cannot_be_read(served: Served) -> None:
    served.run(lambda client: client.get("/v2"))
    broken = App(Settings(TOKEN), lambda: _raise(), served.app._scorer, served.app._cache)

    async def talk() -> None:
        messages: asyncio.Queue[dict[str, str]] = asyncio.Queue()
        sent: list[str] = []

        async def send(message: dict[str, Any]) -> None:
            sent.append(message["type"])

        await messages.put({"type": "lifespan.startup"})
        await messages.put({"type": "lifespan.shutdown"})
        await broken({"type": "lifespan"}, messages.get, send)
        assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]

    asyncio.run(talk())


def _raise() -> Routing | None:
    raise ConflictError("the store is busy")


def test_a_short_token_is_refused() -> None:
    with pytest.raises(ValueError, match="shorter than 16"):
        Settings("secret")


def test_a_decision_time_whose_rows_may_be_gone_is_refused_unless_its_columns_come_along(
    fleet: Fixture, tmp_path: Path
) -> None:
    cache = ModelCache(blob_loader(fleet.store.blobs))
    with Online(tmp_path / "online", map_size=1 << 22) as online:
        source = features.Source("conditions", ("origin",), "time", None, ("temp", "wind"), timedelta(hours=6))
        times = [NOW - timedelta(days=400), NOW - timedelta(days=200), NOW - timedelta(days=2)]
        rows = {"origin": ["JFK"] * 3, "time": times, "temp": [1.0, 2.0, 3.0], "wind": [0.5] * 3}
        online.write(source, pl.DataFrame(rows))
        online.expire(NOW, HISTORY)
        scorer = Scorer(cache, lambda: NOW, lambda endpoint: online.reader([source]))
        app = App(Settings(TOKEN), Source(fleet.store), scorer, cache)

        async def talk() -> list[httpx.Response]:
            await app.refresh()
            transport = httpx.ASGITransport(app=app)
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", headers=ASK) as client:
                supplied = {"temp": tensor("temp", "FP64", [3.0]), "wind": tensor("wind", "FP64", [0.5])}
                asked = [(399, {}), (199, {}), (399, supplied), (91, {})]
                return [
                    await client.post(
                        URL, json=body(**more) | {"parameters": {"at": (NOW - timedelta(days=days)).isoformat()}}
                    )
                    for days, more in asked
                ]

        gone, kept, told, near = asyncio.run(talk())
    since = f"{NOW - timedelta(days=92):%Y-%m-%dT%H:%M:%SZ}"
    assert gone.status_code == 400
    assert f"feature view 'conditions' keeps its rows from {since} on" in gone.json()["error"]
    assert "or send temp, wind" in gone.json()["error"]
    assert outputs(kept)["stale"] == [True]  # the row in force at the limit is still there, and too old
    assert outputs(told)["stale"] == [False]
    assert outputs(near)["stale"] == [True]


def test_the_real_online_store_answers_as_the_views_say(fleet: Fixture, tmp_path: Path) -> None:
    cache = ModelCache(blob_loader(fleet.store.blobs))
    with Online(tmp_path / "online", map_size=1 << 22) as online:
        source = features.Source("conditions", ("origin",), "time", None, ("temp", "wind"), timedelta(hours=6))
        times = [NOW - timedelta(hours=8), NOW - timedelta(hours=2)]
        rows = {"origin": ["LGA", "JFK"], "time": times, "temp": [1.0, 3.0], "wind": [2.0, 0.5]}
        online.write(source, pl.DataFrame(rows))
        scorer = Scorer(cache, lambda: NOW, lambda endpoint: online.reader([source]))
        app = App(Settings(TOKEN), Source(fleet.store), scorer, cache)
        whole = body(3, origin=tensor("origin", "BYTES", ["JFK", "LGA", "EWR"]))

        async def talk() -> list[dict[str, list[Any]]]:
            await app.refresh()
            transport = httpx.ASGITransport(app=app)
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", headers=ASK) as client:
                return [outputs(await client.post(URL, json=each)) for each in (whole, body())]

        many, one = asyncio.run(talk())
    assert many["stale"] == [False, True, False]  # expired, and never there: nothing is past its time there
    assert many["prediction"][0] == one["prediction"][0]
    known = fleet.estimators["late-arrival/JFK/AA@1"].predict_proba(np.array([[0.25, 15, 3.0, 0.5, 1]]))
    expired = fleet.estimators["late-arrival/*@1"].predict_proba(np.array([[0.25, 15, np.nan, np.nan, 1]]))
    assert many["prediction"] == [known[0, 1], expired[0, 1], expired[0, 1]]
