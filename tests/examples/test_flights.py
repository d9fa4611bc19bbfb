"""The flights project: its declarations agree, its views look at the past alone, and its features carry signal."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from lightgbm import LGBMClassifier
from sklearn.metrics import roc_auc_score

from argosy.spec.feature import FeatureView, RequestFeatures, Spine, ViewReference
from argosy.spec.project import Project
from argosy.spec.source import Parquet
from examples.flights import flights
from examples.flights.world import LEAD, REQUEST_COLUMNS, SPINE_COLUMNS, World, land, land_until


def left(minute: int, origin: str, carrier: str, delay: int) -> dict[str, object]:
    at = datetime(2013, 5, 1, 12, tzinfo=UTC) + timedelta(minutes=minute)
    return {"departed_at": at, "origin": origin, "carrier": carrier, "departure_delay": delay}


def test_the_declarations_refer_to_one_another() -> None:
    project = Project.collect(flights)
    assert list(project.fleets) == ["late-arrival"]
    assert set(project.datasets) == {"flights", "departures", "weather", "planes", "airports"}
    views = {item.name for item in flights.late.features if isinstance(item, ViewReference)}
    assert views == set(project.views)


def test_a_request_holds_every_column_that_the_fleet_reads_of_it() -> None:
    read = {item.name for item in flights.late.features if isinstance(item, Spine)} | set(flights.late.by)
    for item in flights.late.features:
        if isinstance(item, RequestFeatures):
            read.update(column for expression in item.expressions.values() for column in expression.columns())
        if isinstance(item, ViewReference):
            read.update(Project.collect(flights).views[item.name].entity)
    assert read < set(REQUEST_COLUMNS)
    assert {flights.late.label.column, flights.late.label.known_at} < set(SPINE_COLUMNS) - set(REQUEST_COLUMNS)


def test_landed_files_match_the_sources_and_their_columns(world: World, tmp_path: Path) -> None:
    land_until(world, tmp_path / "data", date(2013, 2, 1))
    land(world, tmp_path / "data", date(2013, 2, 1))
    declared = Project.collect(flights).datasets
    sources = {name: each.source for name, each in declared.items() if isinstance(each.source, Parquet)}
    tables = {name: pl.read_parquet(tmp_path / source.path) for name, source in sources.items()}
    for dataset in declared.values():
        rows = tables[dataset.name]
        assert dataset.contract is not None
        named = {dataset.time, *dataset.key, *dataset.contract.columns}
        assert named <= set(rows.columns)
        assert rows.select(dataset.key).is_duplicated().sum() == 0
        for name, column in dataset.contract.columns.items():
            assert str(rows.schema[name]) == column.type
        for reference in dataset.contract.references:
            here, there = rows.select(reference.columns), tables[reference.dataset].select(reference.targets)
            assert list(here.schema.values()) == list(there.schema.values())


@pytest.mark.parametrize("view", [flights.airport_state, flights.carrier_state])
def test_a_recent_delay_counts_the_departures_of_its_window_and_every_tie(view: FeatureView) -> None:
    rows = pl.LazyFrame(
        [
            left(0, "EWR", "UA", 10), left(30, "EWR", "UA", 20), left(30, "EWR", "UA", 60),
            left(30, "JFK", "UA", 999), left(180, "EWR", "UA", 0), left(24 * 60, "EWR", "UA", 4),
        ]
    )  # fmt: skip
    prefix = {"airport_state": "airport", "carrier_state": "carrier"}[view.name]
    result = view(rows).filter(pl.col("origin") == "EWR").sort("departed_at").collect()
    assert result[f"{prefix}_delay_3h"].to_list() == [10, 30, pytest.approx(80 / 3), 4]
    assert result[f"{prefix}_departures_3h"].to_list() == [1, 3, 3, 1]
    assert result[f"{prefix}_delay_24h"].to_list() == [10, 30, 22.5, 21]
    assert result[f"{prefix}_departures_24h"].to_list() == [1, 3, 4, 4]


@pytest.mark.parametrize("view", [flights.airport_state, flights.carrier_state])
def test_new_departures_with_their_lookback_give_the_same_rows_as_all_of_them(world: World, view: FeatureView) -> None:
    rows = world.flights.drop_nulls("departed_at").filter(pl.col("departed_at").dt.month() == 4)
    start = datetime(2013, 4, 20, tzinfo=UTC)
    new = pl.col("departed_at") >= start
    tail = rows.filter(pl.col("departed_at") >= start - timedelta(hours=24))
    order = [*view.entity, "departed_at"]
    whole, incremental = (view(part.lazy()).filter(new).sort(order).collect() for part in (rows, tail))
    assert whole.height > 5_000
    assert not whole.select(order).is_duplicated().any()
    assert incremental.equals(whole)


def joined(world: World) -> pl.DataFrame:
    """Every labelled flight with the fleet's features as of an hour before its departure, by plain as-of joins."""
    # The contract sets the impossible wind aside; so does this.
    weather = flights.conditions(world.weather.filter(pl.col("wind_speed") < 150).lazy()).collect()
    left = world.flights.drop_nulls("departed_at").lazy()
    rows = world.flights.drop_nulls("late").with_columns(at=pl.col("scheduled_departure") - LEAD).sort("at")
    history = (
        (weather, "observed_at", ["origin"], "6h"),
        (flights.airport_state(left).collect(), "departed_at", ["origin"], "12h"),
        (flights.carrier_state(left).collect(), "departed_at", ["origin", "carrier"], "24h"),
    )
    for values, time, keys, ttl in history:
        renamed = values.rename({time: f"{keys[-1]}_{time}"}).sort(f"{keys[-1]}_{time}")
        rows = rows.join_asof(
            renamed, left_on="at", right_on=f"{keys[-1]}_{time}", by=keys, tolerance=ttl, check_sortedness=False
        )
    planes = flights.aircraft(world.planes.lazy()).collect().drop("published_at")
    request = next(item for item in flights.late.features if isinstance(item, RequestFeatures))
    calendar = {name: expression.expr() for name, expression in request.expressions.items()}
    return rows.join(planes, on="tailnum", how="left", maintain_order="left").with_columns(**calendar)


def monthly_auc(rows: pl.DataFrame, features: list[str]) -> list[float]:
    """AUC by month, April to December, of one model that saw the labels known on 1 April."""
    midnight = datetime(2013, 4, 1, tzinfo=UTC)
    seen = rows.filter(pl.col("arrived_at") <= midnight)
    future = rows.filter(pl.col("at") >= midnight)
    estimator = flights.late.candidates[0].estimator.build(n_jobs=1, verbose=-1)
    assert isinstance(estimator, LGBMClassifier)
    model = estimator.fit(matrix(seen, features), seen["late"].to_numpy())
    scores = []
    for _, month in future.filter(pl.col("at").dt.year() == 2013).group_by(
        pl.col("at").dt.month(), maintain_order=True
    ):
        raw = model.booster_.predict(matrix(month, features), num_threads=1)
        scores.append(float(roc_auc_score(month["late"].to_numpy(), raw)))
    return scores


def matrix(rows: pl.DataFrame, features: list[str]) -> np.ndarray:
    return rows.select(pl.col(features).cast(pl.Float64)).to_numpy()


@pytest.mark.slow
def test_the_features_reach_the_expected_auc_and_a_leaking_join_gives_itself_away(world: World) -> None:
    rows = joined(world)
    schedule = ["distance", "scheduled_minutes", "hour", "minute_of_day", "weekday"]
    measured = ["temp", "dewp", "humid", "wind_speed", "visib", "precip", "pressure", "seats", "built"]
    recent = [
        f"{who}_{what}_{span}"
        for who in ("airport", "carrier") for what in ("delay", "departures") for span in ("3h", "24h")
    ]  # fmt: skip
    honest = monthly_auc(rows, schedule + measured + recent)
    assert len(honest) == 9
    assert min(honest) > 0.66
    assert max(honest) < 0.77
    assert np.mean(honest) == pytest.approx(0.712, abs=0.015)
    assert np.mean(monthly_auc(rows, schedule)) < np.mean(honest) - 0.04
    hour = pl.col("scheduled_departure").dt.truncate("1h")
    own_hour = pl.col("departure_delay").mean().over("origin", hour)
    leaking = monthly_auc(rows.with_columns(leak=own_hour), [*schedule, *measured, *recent, "leak"])
    assert all(better > worse + 0.02 for better, worse in zip(leaking, honest, strict=True))
