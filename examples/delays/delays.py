"""How well does one model per carrier say which flights arrive late? A pipeline that answers every morning.

Land the tables with `python -m examples.delays.land`, then, from this folder: `argosy apply`, `argosy run nightly`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
import polars as pl
from lightgbm import LGBMClassifier
from sklearn.metrics import roc_auc_score

import argosy as ag

FEATURES = ["distance", "scheduled_minutes", "hour", "weekday"]
TELLING = 0.6
"""The area under the curve from which on a carrier's model is worth having."""

flights = ag.Dataset(
    "flights",
    time="scheduled_departure",
    known="recorded_at",
    key="flight_id",
    source=ag.Parquet("data/flights/*.parquet"),
    owner="ops-analytics",
)


class Score(msgspec.Struct):
    """How a carrier's model does on flights that it has not seen."""

    carrier: str
    flights: int
    late: float
    auc: float


@ag.step
def prepare(flights: pl.LazyFrame) -> ag.Table:
    """Flights that arrived, with what is known of them before they leave."""
    local = pl.col("scheduled_departure").dt.convert_time_zone("America/New_York").dt
    return (
        flights.drop_nulls("late")
        .select(
            "carrier", "distance", "scheduled_minutes", "scheduled_departure", "late", hour=local.hour(),
            weekday=local.weekday(),
        )
        .sort("scheduled_departure")
        .collect()
    )  # fmt: skip


@ag.step
def split(rows: ag.Table, test: float = 0.25) -> tuple[Annotated[ag.Table, "train"], Annotated[ag.Table, "test"]]:
    """The latest flights are for testing."""
    cut = int(rows.height * (1 - test))
    return rows.head(cut), rows.tail(rows.height - cut)


@ag.step
def carriers(train: ag.Table, test: ag.Table, least: int) -> list[str]:
    """Carriers with enough flights to learn from, and to be judged by."""
    enough = train.group_by("carrier").len().filter(pl.col("len") >= least)["carrier"]
    return sorted(set(enough) & set(test["carrier"]))


@ag.step(retries=1, timeout="10m", memory="2GiB")
def fit(train: ag.Table, carrier: str, leaves: int) -> ag.Model:
    """A model of one carrier's flights."""
    rows = train.filter(carrier=carrier)
    model = LGBMClassifier(n_estimators=40, num_leaves=leaves, min_child_samples=50, verbose=-1, n_jobs=1)
    ag.log(rows=rows.height, late=rows["late"].sum() / rows.height)
    return model.fit(rows.select(FEATURES).to_numpy(), rows["late"].to_numpy())


@ag.step
def score(model: ag.Model, test: ag.Table, carrier: str) -> Score:
    """How it does on the flights that were kept apart. Fails for a carrier of which all, or none, were late."""
    rows = test.filter(carrier=carrier)
    late = rows["late"].to_numpy()
    auc = float(roc_auc_score(late, model.predict_proba(rows.select(FEATURES).to_numpy())[:, 1]))
    ag.log(auc=auc)
    return Score(carrier, rows.height, float(late.mean()), auc)


@ag.step
def report(scores: list[Score], until: datetime) -> ag.Report:
    """The scores as a table and as bars."""
    best = sorted(scores, key=lambda each: -each.auc)
    lines = [
        f"# Late arrivals by carrier, until {until:%d %B %Y}",
        "",
        "| carrier | flights | late | AUC |",
        "| --- | ---: | ---: | ---: |",
        *(f"| {each.carrier} | {each.flights:,} | {each.late:.1%} | {each.auc:.3f} |" for each in best),
    ]
    bars = [
        f'<text x="0" y="{20 * n + 15}">{each.carrier}</text>'
        f'<rect x="30" y="{20 * n + 3}" width="{400 * max(each.auc - 0.5, 0):.0f}" height="14" fill="steelblue"/>'
        for n, each in enumerate(best)
    ]
    plot = f'<svg xmlns="http://www.w3.org/2000/svg" width="300" height="{20 * len(best) + 5}">{"".join(bars)}</svg>'
    return ag.Report.markdown("\n".join(lines)) + ag.Report.plot(plot)


@ag.step
def latest(rows: ag.Table) -> datetime:
    """When the last flight was to leave."""
    found: datetime = rows["scheduled_departure"][-1]
    return found


@ag.step
def telling(scores: list[Score]) -> list[str]:
    """The carriers whose model is worth having."""
    return [each.carrier for each in scores if each.auc >= TELLING]


@ag.step
def recommend(carriers: list[str]) -> str:
    """What to do about them."""
    return f"give {', '.join(carriers)} a model of their own"


@ag.step(cache=False)
def tell(failed: ag.Failed) -> str:
    """Where whoever is on duty would be called."""
    return f"run {failed.run} of {failed.pipeline} failed: {'; '.join(failed.reasons.values())}"


@ag.pipeline(schedule="0 6 * * *", zone="America/New_York", on=ag.new_version(flights), on_failure=tell)
def nightly(flights: ag.Dataset, test: float = 0.25, least: int = 1000, leaves: int = 7) -> object:
    """A model for each carrier, its score on the latest flights, and a report."""
    rows = prepare(flights)
    train, held = split(rows, test)
    names = carriers(train, held, least)
    models = fit.map(train, names, leaves=leaves)
    scores = score.map(models, held, names, keep_going=True)
    found = telling(scores)
    return {
        "report": report(scores, latest(rows)),
        "advice": ag.when(found, lambda: recommend(found)),
        "models": models,
    }
