"""What was served against what training joins: nothing differs when both are asked for the same moment."""

from __future__ import annotations

from datetime import timedelta

import polars as pl

import argosy as ag
from argosy.controller import survey
from argosy.controller.act.materialise import sources
from argosy.controller.house import House
from argosy.controller.plan import predictions
from argosy.controller.watching import answered, reference, skewed
from argosy.controller.watching.kept import Kept
from argosy.data.read import append, scan
from tests.controller.conftest import START

FLEET = "late-arrival"
LEAD = timedelta(hours=1)


def answer(house: House, *wrong: pl.Expr) -> int:
    """Record flights of the week before START as they were answered, with features as read online; how many."""
    snapshot = survey.observe(house, START)
    fleet = snapshot.fleets[FLEET].fleet
    with house.store.read() as conn:
        given = scan(conn, house.store, "flights", low=START - timedelta(days=6)).sort("flight_id").collect()
    moments = (given["scheduled_departure"] - LEAD).to_list()
    entities = {name: given[name].to_list() for name in ("origin", "carrier", "tailnum")}
    departs = pl.col("scheduled_departure").dt.convert_time_zone("America/New_York").dt
    served = given.select(
        pl.col("distance", "scheduled_minutes").cast(pl.Float64), row_key="flight_id",
        member=pl.format("{}/{}", "origin", "carrier"), at=pl.col("scheduled_departure") - LEAD, version=pl.lit("v@1"),
        route=pl.lit("own"), prediction=pl.lit(0.2), stale=pl.lit(False), hour=departs.hour().cast(pl.Float64),
        weekday=departs.weekday().cast(pl.Float64),
        minute_of_day=(departs.hour().cast(pl.Int32) * 60 + departs.minute()).cast(pl.Float64),
    )  # fmt: skip
    views = [source for _, source, _ in sources(snapshot, fleet)]
    online = house.online.read(views, entities, moments).cast(pl.Float64)
    rows = pl.concat([served, online], how="horizontal").with_columns(*wrong)
    append(house.store, predictions(FLEET), rows, time="at", sources=["1"], now=START, cause="answered")
    return rows.height


def measured(house: House, count: int = 10_000) -> pl.DataFrame:
    snapshot = survey.observe(house, START)
    state = snapshot.fleets[FLEET]
    spine = snapshot.wanted["dataset", "flights"].declaration
    assert isinstance(spine, ag.Dataset)
    with house.store.read() as conn:
        frozen = reference.frozen(conn, house.store, FLEET, state.revision)
        assert frozen is not None
        rows = answered.answers(conn, house.store, FLEET, START - timedelta(days=8), START)
        version = snapshot.versions["flights"]
        told = answered.labelled(conn, house.store, Kept(), state.fleet, spine, version, rows, START)
        return skewed.measure(conn, house.store, snapshot, state.fleet, frozen.bins, told.drop_nulls("label"), count)


def test_what_was_read_online_is_what_training_joins(house: House) -> None:
    answered_rows = answer(house)
    table = measured(house)
    names = {"distance", "hour", "temp", "airport_delay_3h", "carrier_departures_24h", "seats", "minute_of_day"}
    assert names <= set(table["feature"]) and len(table) == 22
    (looked_at,) = set(table["rows"])
    assert 300 < looked_at <= answered_rows and table["differing"].sum() == 0


def test_a_value_that_was_served_otherwise_is_found_with_its_members(house: House) -> None:
    late = pl.int_range(pl.len()) >= pl.len() - 20
    answer(house, pl.when(late).then(pl.col("temp") + 1.0).otherwise("temp").alias("temp"))
    table = measured(house)
    (row,) = table.filter(pl.col("differing") > 0).iter_rows(named=True)
    assert (row["feature"], row["differing"]) == ("temp", 20) and set(row["members"]) <= {"LGA/AA", "LGA/MQ", "LGA/YV"}
    assert measured(house, count=10)["rows"].max() == 10
