"""Which flights out of New York will arrive late? One model per origin and carrier, asked an hour before departure.

Run from this folder: `argosy apply`, then `argosy up`. The tables under `data/` are landed by `world.py`.
"""

from __future__ import annotations

import polars as pl
from lightgbm import LGBMClassifier

import argosy as ag

planes = ag.Dataset(
    "planes",
    time="published_at",
    key="tailnum",
    source=ag.Parquet("data/planes.parquet"),
    owner="fleet-registry",
    description="The register of planes. Some carriers report other tail numbers: every seventh flight finds no plane.",
    contract=ag.Contract(
        columns={
            "tailnum": ag.Column(type="String", nullable=False),
            "year": ag.Column(type="Int64", minimum=1930, maximum=2013, on_failure="warn"),
            "seats": ag.Column(type="Int64", nullable=False, minimum=1, maximum=600),
        },
        unique=("tailnum",),
    ),
)

airports = ag.Dataset(
    "airports",
    time="published_at",
    key="faa",
    source=ag.Parquet("data/airports.parquet"),
    owner="fleet-registry",
    description="The register of airports. Four in the Caribbean are not in it, and so no schedule of flights to them.",
    contract=ag.Contract(columns={"faa": ag.Column(type="String", nullable=False)}, unique=("faa",)),
)

flights = ag.Dataset(
    "flights",
    time="scheduled_departure",
    known="recorded_at",
    key="flight_id",
    source=ag.Parquet("data/flights/*.parquet"),
    owner="ops-analytics",
    description="Flights out of New York with their outcome, one row each, recorded when the outcome is known.",
    contract=ag.Contract(
        columns={
            "flight_id": ag.Column(type="String", nullable=False),
            "origin": ag.Column(type="String", nullable=False, allowed=("EWR", "JFK", "LGA")),
            "carrier": ag.Column(type="String", nullable=False, pattern="^[0-9A-Z]{2}$"),
            "distance": ag.Column(type="Int64", nullable=False, minimum=1, maximum=6000),
            "scheduled_minutes": ag.Column(type="Int64", minimum=20, maximum=900, on_failure="quarantine"),
            "arrival_delay": ag.Column(type="Int64", minimum=-180, maximum=3000, on_failure="quarantine"),
        },
        unique=("flight_id",),
        freshness="2d",
        rules=(
            ag.Rule("recorded-after-lead", pl.col("recorded_at") >= pl.col("scheduled_departure").dt.offset_by("-3h")),
        ),
        references=(
            ag.Reference("dest", airports, "faa", on_failure="warn"),
            ag.Reference("tailnum", planes, on_failure="warn"),
        ),
    ),
)

departures = ag.Dataset(
    "departures",
    time="departed_at",
    key="flight_id",
    source=ag.Parquet("data/departures/*.parquet"),
    owner="ops-analytics",
    description="Flights as they leave, with minutes behind schedule. Known at once, hours before the arrival.",
    contract=ag.Contract(
        columns={
            "origin": ag.Column(type="String", nullable=False, allowed=("EWR", "JFK", "LGA")),
            "departure_delay": ag.Column(
                type="Int64", nullable=False, minimum=-120, maximum=3000, on_failure="quarantine"
            ),
        },
        unique=("flight_id",),
        freshness="2d",
    ),
)

weather = ag.Dataset(
    "weather",
    time="observed_at",
    key=("origin", "observed_at"),
    source=ag.Parquet("data/weather/*.parquet"),
    owner="met-office",
    description="Hourly weather at the three airports. Miles per hour, degrees Fahrenheit, inches, millibars, miles.",
    contract=ag.Contract(
        columns={
            "origin": ag.Column(type="String", nullable=False, allowed=("EWR", "JFK", "LGA")),
            "temp": ag.Column(type="Float64", minimum=-30, maximum=120, on_failure="quarantine"),
            "wind_speed": ag.Column(type="Float64", minimum=0, maximum=150, on_failure="quarantine"),
            "precip": ag.Column(type="Float64", minimum=0, maximum=10, on_failure="quarantine"),
            "pressure": ag.Column(type="Float64", minimum=900, maximum=1100, on_failure="quarantine"),
            "visib": ag.Column(type="Float64", minimum=0, maximum=10, on_failure="quarantine"),
        },
        unique=("origin", "observed_at"),
        freshness="1d",
    ),
)


@ag.feature_view(dataset=weather, entity="origin", ttl="6h")
def conditions(rows: pl.LazyFrame) -> pl.LazyFrame:
    """The weather at the airport."""
    return rows.select("origin", "observed_at", "temp", "dewp", "humid", "wind_speed", "visib", "precip", "pressure")


def recent_delay(rows: pl.LazyFrame, keys: list[str], prefix: str) -> pl.LazyFrame:
    """Mean delay and number of the departures in the 3 and 24 hours up to and with each one, per `keys`.

    One row per key and instant, however many flights left in that minute.
    """
    delay = pl.col("departure_delay").cast(pl.Float64)
    features = [
        aggregate.over(keys).alias(f"{prefix}_{what}_{span}")
        for span in ("3h", "24h")
        for what, aggregate in (
            ("delay", delay.rolling_mean_by("departed_at", span)),
            ("departures", delay.is_not_null().cast(pl.Float64).rolling_sum_by("departed_at", span)),
        )
    ]
    return rows.sort("departed_at").select(*keys, "departed_at", *features).unique([*keys, "departed_at"])


@ag.feature_view(dataset=departures, entity="origin", ttl="12h", lookback="24h")
def airport_state(rows: pl.LazyFrame) -> pl.LazyFrame:
    """How late the airport has been running."""
    return recent_delay(rows, ["origin"], "airport")


@ag.feature_view(dataset=departures, entity=["origin", "carrier"], ttl="24h", lookback="24h")
def carrier_state(rows: pl.LazyFrame) -> pl.LazyFrame:
    """How late the carrier has been running at the airport."""
    return recent_delay(rows, ["origin", "carrier"], "carrier")


@ag.feature_view(dataset=planes, entity="tailnum")
def aircraft(rows: pl.LazyFrame) -> pl.LazyFrame:
    """The plane: its seats and the year it was built."""
    return rows.select("tailnum", "published_at", "seats", built="year")


departs = pl.col("scheduled_departure").dt.convert_time_zone("America/New_York").dt
calendar = ag.RequestFeatures(
    hour=departs.hour(),
    minute_of_day=departs.hour().cast(pl.Int32) * 60 + departs.minute(),
    weekday=departs.weekday(),
)

late = ag.Fleet(
    "late-arrival",
    description="Arrives more than 15 minutes late, asked an hour before it is scheduled to leave.",
    owner="ops-analytics",
    spine=flights,
    by=["origin", "carrier"],
    lead="1h",
    label=ag.Label("late", known_at="arrived_at"),
    features=["distance", "scheduled_minutes", calendar, conditions, airport_state, carrier_state, aircraft],
    candidates=[
        ag.Candidate(LGBMClassifier(n_estimators=60, learning_rate=0.08, num_leaves=7, min_child_samples=100)),
    ],
    search=ag.Search(metric="log_loss", trials=1, member_trials=1),
    split=ag.TimeSplit(test="14d"),
    pooled=True,  # one model over all rows backs up small and unseen members
    minimum_rows=300,
    slices=["weekday", ag.Slice("long haul", pl.col("distance") > 1500)],
    gates=[
        ag.Gate("roc_auc", minimum=0.55),
        ag.Gate("log_loss", beats="champion"),
        ag.Gate("latency_p99_ms", maximum=5),
    ],
    rollout=ag.Canary(share=0.2, bake="2d"),
    monitors=[
        ag.Drift("psi", limit=0.5, window="14d", on="prediction"),
        ag.Drift("psi", limit=0.8, window="14d", on="features"),
        ag.Performance("log_loss", drop=0.08, window="14d", minimum_rows=200),
    ],
    retrain=ag.older_than("28d") | ((ag.drifted() | ag.degraded()) & ag.older_than("14d") & ag.new_rows(300)),
)
