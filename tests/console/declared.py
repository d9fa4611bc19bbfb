"""What the seeded home declares: two datasets and a fleet, as applying a project records them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import msgspec
from sqlalchemy import Connection

import argosy as ag
from argosy.spec.document import Declaration, fingerprint, kind
from argosy.spec.estimator import Estimator
from argosy.store import applications, bundles, declarations, events

START = datetime(2013, 4, 1, tzinfo=UTC)


flights = ag.Dataset(
    "flights", time="scheduled_departure", known="recorded_at", key="flight_id",
    source=ag.Parquet("data/flights/*.parquet"), owner="ops-analytics",
    description="Flights out of New York with their outcome, one row each.",
    contract=ag.Contract(columns={"distance": ag.Column(type="Int64", minimum=1, maximum=6000)}, freshness="2d"),
    tags={"tailnum": "sensitive"},
)  # fmt: skip


weather = ag.Dataset(
    "weather", time="observed_at", key=("origin", "observed_at"), source=ag.Parquet("data/weather/*.parquet"),
    owner="met-office", description="Hourly weather at the three airports.",
    contract=ag.Contract(
        columns={"wind_speed": ag.Column(type="Float64", minimum=0, maximum=150, on_failure="quarantine")}
    ),
)  # fmt: skip


def fleet(name: str = "late-arrival", *, approval: bool = True) -> ag.Fleet:
    """The declared fleet."""
    return ag.Fleet(
        name, description="Arrives more than 15 minutes late, asked an hour before it is scheduled to leave.",
        owner="ops-analytics", spine=flights, by=["origin", "carrier"], lead="1h",
        label=ag.Label("late", known_at="arrived_at"), features=["distance"],
        candidates=[ag.Candidate(Estimator("lightgbm.sklearn:LGBMClassifier", {"num_leaves": 7}))],
        search=ag.Search(metric="log_loss", trials=1), pooled=True, minimum_rows=300,
        gates=[ag.Gate("roc_auc", minimum=0.55), ag.Gate("log_loss", beats="champion")]
        + ([ag.Approval(by="operations")] if approval else []),
        rollout=ag.Canary(share=0.2, bake="2d"),
        monitors=[ag.Drift("psi", limit=0.25, window="14d"), ag.Performance("log_loss", drop=0.08)],
        retrain=ag.older_than("28d") | ((ag.drifted() | ag.degraded()) & ag.new_rows(300)),
    )  # fmt: skip


def digest(text: str) -> str:
    """A content address."""
    return hashlib.sha256(text.encode()).hexdigest()


def declare(tx: Connection, wanted: Sequence[Declaration]) -> None:
    """Put declarations in force, as applying a project does."""
    at = START - timedelta(days=1)
    libraries = {"lightgbm": "4.7.0", "polars": "2.1.0", "scikit-learn": "1.9.0"}
    bundle = bundles.Bundle(
        digest=digest("bundle"), project="flights", at=at, libraries=libraries,
        modules={"flights": digest("flights.py")}, actor="ada",
    )  # fmt: skip
    bundles.add(tx, bundle)
    commit = "3f2a9c1d77aa00bb11cc22dd33ee44ff55667788"
    made = applications.NewApplication(
        bundle=bundle.digest, project="flights", at=at, actor="ada", git_commit=commit, dirty=True
    )
    applications.add(tx, [made])
    declarations.add(
        tx,
        [
            declarations.NewDeclaration(
                kind=kind(each), name=each.name, fingerprint=fingerprint(each), at=at, actor="ada",
                bundle=bundle.digest,
                body={**msgspec.to_builtins(each), "project": "flights", "code": {}, "training": "t", "revision": 1},
            )
            for each in wanted
        ],
    )  # fmt: skip
    events.add(tx, [events.NewEvent(at=at, kind="applied", subject="flights", actor="ada", message="3 declarations")])
