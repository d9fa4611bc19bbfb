"""Features of the online store in answers: as the views say, and only as far back as rows are kept."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import polars as pl

from argosy.features import source as features
from argosy.features.online import Online
from argosy.features.reader import HISTORY
from argosy.serving.app import App, Settings
from argosy.serving.cache import ModelCache, blob_loader
from argosy.serving.score import Scorer
from argosy.serving.snapshot import Source
from tests.serving.conftest import NOW, Fixture
from tests.serving.served import ASK, TOKEN, URL, Direct, body, outputs, tensor


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
            transport = Direct(app)
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
            transport = Direct(app)
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", headers=ASK) as client:
                return [outputs(await client.post(URL, json=each)) for each in (whole, body())]

        many, one = asyncio.run(talk())
    assert many["stale"] == [False, True, False]  # expired, and never there: nothing is past its time there
    assert many["prediction"][0] == one["prediction"][0]
    known = fleet.estimators["late-arrival/JFK/AA@1"].predict_proba(np.array([[0.25, 15, 3.0, 0.5, 1]]))
    expired = fleet.estimators["late-arrival/*@1"].predict_proba(np.array([[0.25, 15, np.nan, np.nan, 1]]))
    assert many["prediction"] == [known[0, 1], expired[0, 1], expired[0, 1]]
