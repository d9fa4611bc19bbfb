"""Watching: what a later look no longer sees is not said any more, and a canary's evidence is of its own time."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import polars as pl
import pytest

import argosy as ag
from argosy.controller import signal, survey
from argosy.controller.act import watch
from argosy.controller.action import Watch
from argosy.controller.house import House
from argosy.controller.observe import INSTANT
from argosy.controller.plan import predictions
from argosy.data.read import append, scan
from argosy.registry.rollout import Chosen, start
from argosy.store import members, signals
from argosy.testing.sample import train
from tests.controller.conftest import START

FLEET = "late-arrival"
NOW = START + timedelta(days=1)


def look(house: House, now: datetime) -> dict[str, dict[str, Any]]:
    watch.run(house, survey.observe(house, now), Watch(FLEET, "a test"), now)
    table = survey.observe(house, now).fleets[FLEET].table
    return {row["key"]: row for row in table.iter_rows(named=True)}


@pytest.fixture
def drifting(house: House) -> House:
    """LGA/AA has drifted and is degraded, as watches of earlier weeks said."""
    said = {
        signal.DRIFT: 1.4, signal.DRIFT_VALUE: 0.7, signal.DEGRADED: 1.0, signal.SCORE: 0.6, signal.SCORE_ROWS: 90.0,
        signal.SERVED: 12.0,
    }  # fmt: skip
    with house.store.write() as tx:
        member = members.ids(tx, FLEET)["LGA/AA"]
        signals.record(
            tx,
            [signals.NewSignal(fleet=FLEET, member_id=member, name=n, value=v, at=START) for n, v in said.items()],
        )
    return house


def test_what_was_not_seen_again_is_no_longer_said(drifting: House) -> None:
    row = look(drifting, NOW)["LGA/AA"]
    assert [row[name] for name in (signal.DRIFT, signal.DRIFT_VALUE, signal.DEGRADED, signal.SCORE)] == [None] * 4
    assert row[signal.SERVED] == 0.0 and row[signal.ROWS] > 300
    with drifting.store.read() as conn:
        written = len(signals.history(conn, row["member_id"], signal.DRIFT))
    look(drifting, NOW)
    with drifting.store.read() as conn:
        assert len(signals.history(conn, row["member_id"], signal.DRIFT)) == written


def test_a_canary_that_says_the_same_again_says_it_of_today(house: House) -> None:
    began = START - timedelta(hours=12)
    with house.store.write() as tx:
        (canary,), _ = train(tx, FLEET, ["LGA/AA"]), train(tx, FLEET, ["LGA/AA"], hours=1)
        start(tx, FLEET, ag.Canary(), [Chosen(canary, True, "new")], began, "tester")
    with house.store.read() as conn:
        flights = scan(conn, house.store, "flights", low=began).filter(pl.col("carrier") == "AA").collect()
    for seen in (4, 10):
        answer(house, f"{FLEET}/LGA/AA@{canary.number}", flights["flight_id"].head(seen), began)
        assert look(house, NOW)["LGA/AA"][signal.CANARY] == 0.0
        with house.store.read() as conn:
            body = signals.bodies(conn, signal.CANARY, [canary.member_id])[canary.member_id]
        assert body["canary_rows"] == seen


def answer(house: House, version: str, keys: pl.Series, at: datetime) -> None:
    """Record that a version answered for these flights of LGA/AA."""
    given = pl.DataFrame({"row_key": keys, "distance": 700.0, "prediction": 0.2}).with_columns(
        member=pl.lit("LGA/AA"), version=pl.lit(version), route=pl.lit("canary"), stale=pl.lit(False),
        at=pl.lit(at).cast(INSTANT),
    )  # fmt: skip
    append(house.store, predictions(FLEET), given, time="at", sources=[f"{len(keys)}"], now=at, cause="answered")
