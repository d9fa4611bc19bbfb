"""The project that `argosy init` writes, and its sample data."""

from __future__ import annotations

PROJECT = '''\
"""Which orders arrive late? One model per depot, asked when the order leaves.

    argosy apply        record what is declared here
    argosy up           train, serve and watch it; the console shows how it goes
"""

import polars as pl
from lightgbm import LGBMClassifier

import argosy as ag

orders = ag.Dataset(
    "orders",
    time="left_at",
    known="recorded_at",
    key="order_id",
    source=ag.Parquet("data/orders/*.parquet"),
    owner="you",
)

leaves = pl.col("left_at").dt
late = ag.Fleet(
    "late-order",
    spine=orders,
    by=["depot"],
    label=ag.Label("late", known_at="recorded_at"),
    features=["kilometres", "parcels", ag.RequestFeatures(hour=leaves.hour(), weekday=leaves.weekday())],
    candidates=[ag.Candidate(LGBMClassifier(n_estimators=40, num_leaves=7, min_child_samples=40))],
    search=ag.Search(metric="log_loss", trials=1, member_trials=1),
    split=ag.TimeSplit(test="7d"),
    pooled=True,  # one model over all depots stands behind small and new ones
    gates=[ag.Gate("roc_auc", minimum=0.55), ag.Gate("log_loss", beats="champion")],
    rollout=ag.Canary(share=0.2, bake="2h"),
    monitors=[ag.Drift("psi", limit=0.25, window="7d"), ag.Performance("log_loss", drop=0.1)],
    retrain=(ag.drifted() | ag.degraded() | ag.older_than("30d")) & ag.new_rows(200),
)
'''

DEPOTS = ("north", "south", "harbour")
DAYS, A_DAY = 60, 40
"""How long the sample's orders reach back, and how many leave a depot on a day."""
