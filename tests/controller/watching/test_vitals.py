"""Latency and inputs of canaries, as they were recorded."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import argosy as ag
from argosy.controller.house import House
from argosy.controller.watching import reference
from argosy.controller.watching.vitals import against
from argosy.data.dtype import INSTANT
from argosy.data.read import append
from argosy.store import datasets, versions
from argosy.store.store import Store
from argosy.testing import sample
from tests.controller.snapshots import NOW, fleet, snapshot

BEGAN = NOW - timedelta(hours=1)
OLD, NEW = "late/JFK@1", "late/JFK@2"


@pytest.fixture
def house(home: Path) -> Iterator[House]:
    with Store.open(home) as store, House(store) as made:
        yield made


def record(house: House, version: str, took: int | None, distance: float | None = 5.0, rows: int = 200) -> None:
    """Recorded rows of JFK, one a request."""
    names = [f"{version}{took}{distance}{i}" for i in range(rows)]
    frame = pl.DataFrame({"row_key": names, "request_id": names}).with_columns(
        member=pl.lit("JFK"), at=pl.lit(NOW).cast(INSTANT), version=pl.lit(version),
        route=pl.lit("canary" if version == NEW else "own"), prediction=pl.lit(0.5), latency_us=pl.lit(took, pl.Int64),
        distance=pl.lit(distance, pl.Float64),
    )  # fmt: skip
    source = f"{version} {took} {distance}"
    append(house.store, "late.predictions", frame, time="at", sources=[source], now=NOW, cause="answered")


def told(house: House, rollout: ag.Canary) -> dict[str, str]:
    """What speaks against the canary of JFK, version 2."""
    with house.store.write() as tx:
        made = versions.find(tx, "late", "JFK", 2)
        if made is None:
            sample.train(tx, "late", ["JFK"], hours=1)
            [made] = sample.train(tx, "late", ["JFK"], hours=2, promoted=False)
    running: dict[str, Any] = {
        "rollout_version_id": made.id, "rollout_kind": "canary", "rollout_state": "started", "rollout_at": BEGAN,
    }  # fmt: skip
    with house.store.read() as conn:
        recorded = datasets.version(conn, "late.predictions")
        known = {"late.predictions": recorded} if recorded is not None else {}
        given = fleet(rollout=rollout)
        seen = snapshot({"JFK": running, "LGA": {}}, given, versions={**snapshot({}).versions, **known})
        return against(house, conn, seen, seen.fleets["late"], {made.id: made})


def test_a_canary_that_is_slower_than_it_may_be(house: House) -> None:
    limits = [ag.Canary(latency_p99_ms=3), ag.Canary(slower=2), ag.Canary(), ag.Canary(latency_p99_ms=8)]
    assert told(house, limits[0]) == {}
    record(house, OLD, 1_000)
    record(house, NEW, 5_000)
    record(house, NEW, None)
    by_limit, by_champion, free, ample = (told(house, each) for each in limits)
    assert by_limit == {"JFK": "its latency is 5 ms (p99 of 200 requests), the limit is 3 ms"}
    assert by_champion["JFK"].endswith("the limit is 2 times the champion's 1 ms")
    assert free == ample == {}


def test_rows_of_one_request_count_once(house: House) -> None:
    """A batch of a thousand rows that took long is one slow request."""
    record(house, NEW, 1_000, rows=300)
    names = pl.DataFrame({"row_key": [str(i) for i in range(1_000)]})
    frame = names.with_columns(
        request_id=pl.lit("big"), member=pl.lit("JFK"), at=pl.lit(NOW).cast(INSTANT), version=pl.lit(NEW),
        route=pl.lit("canary"), prediction=pl.lit(0.5), latency_us=pl.lit(9_000, pl.Int64), distance=pl.lit(5.0),
    )  # fmt: skip
    append(house.store, "late.predictions", frame, time="at", sources=["big"], now=NOW, cause="answered")
    assert told(house, ag.Canary(latency_p99_ms=3)) == {}


def test_a_canary_whose_inputs_are_not_those_of_its_training(house: House) -> None:
    trained = pl.DataFrame({"distance": [float(i % 10) for i in range(400)], "late": [i % 2 for i in range(400)]})
    member = pl.Series(["JFK"] * 400)
    at = sample.moment(0)
    reference.record(house.store, fleet(), 1, trained, member, ["distance"], ["JFK"], at, 1)
    record(house, OLD, 1_000, None)
    record(house, NEW, 1_000, 5.0)
    assert told(house, ag.Canary(quality=0.1)) == {}
    record(house, NEW, 1_000, None)
    said = told(house, ag.Canary(quality=0.1))
    assert said == {
        "JFK": "distance is null in 50.0% of its 400 rows, 0.0% in training; the limit of the rise is 10.0%"
    }
    assert told(house, ag.Canary(quality=0.6)) == told(house, ag.Canary()) == {}
