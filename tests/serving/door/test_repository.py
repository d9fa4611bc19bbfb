"""The repository, the configuration and the statistics of fleets, and versions in the path."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx

from argosy.serving.app import App, Settings
from argosy.serving.cache import ModelCache, blob_loader
from argosy.serving.limits import Limits
from argosy.serving.score import Scorer
from argosy.serving.snapshot import Source
from tests.serving.conftest import NOW
from tests.serving.served import TOKEN, Served, body, outputs

MODEL = "/v2/models/late-arrival"


def test_a_fleet_tells_its_configuration_and_what_versions_may_be_named(served: Served) -> None:
    served.fleet.add_version("JFK/AA", 7)
    found = served.run(lambda c: c.get(MODEL)).json()
    assert found["versions"] == ["2"]
    config = served.run(lambda c: c.get(f"{MODEL}/config")).json()
    kinds = {each["name"]: (each["data_type"], each["optional"]) for each in config["input"]}
    assert kinds["distance"] == ("TYPE_FP64", False) and kinds["departure"] == ("TYPE_STRING", False)
    assert kinds["flight"] == ("TYPE_STRING", True) and config["version_policy"] == {"specific": {"versions": [2]}}
    assert served.run(lambda c: c.get(f"{MODEL}/versions/2")).json()["versions"] == ["2"]


def test_a_version_in_the_path_answers_alone(served: Served) -> None:
    address = served.fleet.add_version("JFK/AA", 7, champion=False, share=0.0)
    got = outputs(served.post(body(2), f"{MODEL}/versions/2/infer"))
    assert got["version"] == [address] * 2 and got["route"] == ["own"] * 2
    other = served.post(body(carrier={"name": "carrier", "datatype": "BYTES", "shape": [1], "data": ["B6"]}),
                        f"{MODEL}/versions/2/infer")  # fmt: skip
    assert other.status_code == 400 and "is of member late-arrival/JFK/B6" in other.json()["error"]
    several = served.post(body(), f"{MODEL}/versions/1/infer")
    assert several.status_code == 404 and "several members" in several.json()["error"]
    ready = served.run(lambda c: c.get(f"{MODEL}/versions/2/ready"))
    assert ready.status_code == 200 and ready.json()["ready"]


def test_the_index_tells_of_all_fleets_or_of_those_that_are_ready(served: Served) -> None:
    async def talk(client: httpx.AsyncClient) -> list[Any]:
        url = "/v2/repository/index"
        return [(await client.post(url)).json(), (await client.post(url, json={"ready": True})).json()]

    wanted = [{"name": "late-arrival", "state": "READY", "reason": ""}]
    assert served.run(talk) == [wanted, wanted]
    bad = served.post({"ready": "yes"}, "/v2/repository/index")
    assert bad.status_code == 400


def test_a_fleet_is_loaded_as_it_is_registered(served: Served) -> None:
    url = "/v2/repository/models/late-arrival/load"
    assert served.post({}, url).json() == {"name": "late-arrival", "versions": 3}
    refused = served.post({"parameters": {"config": "{}"}}, url)
    assert refused.status_code == 400 and "without 'config'" in refused.json()["error"]


def test_statistics_count_rows_batches_and_failures(served: Served) -> None:
    async def talk(client: httpx.AsyncClient) -> list[Any]:
        for request in (body(3), body(2), {"inputs": []}):
            await client.post(f"{MODEL}/infer", json=request)
        return [(await client.get(url)).json() for url in (f"{MODEL}/stats", "/v2/models/stats")]

    one, all = served.run(talk)
    [found] = one["model_stats"]
    assert one == all and found["inference_count"] == 5 and found["execution_count"] == 2
    assert found["inference_stats"] == {"success": {"count": 2}, "fail": {"count": 1}}


def test_paths_that_lead_nowhere_say_so(served: Served) -> None:
    for path in (f"{MODEL}/versions/9", f"{MODEL}/versions/1/stats", f"{MODEL}/trace", "/v2/models/other/config"):
        answer = served.run(lambda c, path=path: c.get(path))
        assert answer.status_code == 404 and answer.json()["error"], path


def test_loads_take_the_threads_that_scores_take(served: Served) -> None:
    cache = ModelCache(blob_loader(served.fleet.store.blobs))
    settings = Settings(TOKEN, limits=Limits(concurrency=1, queue=0))
    served.app = App(settings, Source(served.fleet.store), Scorer(cache, lambda: NOW), cache)

    async def talk(client: httpx.AsyncClient) -> list[int]:
        url = "/v2/repository/models/late-arrival/load"
        answers = await asyncio.gather(*[client.post(url, json={}) for _ in range(3)])
        return sorted(each.status_code for each in answers)

    assert served.run(talk) == [200, 429, 429]
