"""The projects that `argosy init` writes, and the sample data of one."""

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

NAME = "late_orders"
"""The pipeline of `PIPELINE`."""
PIPELINE = '''\
"""Which depot sends the most orders out late? Three steps; what each gives is kept.

    argosy run late_orders --set days=60
    argosy run late_orders --set longest=45         what is the same as before is not done again
    argosy read run 1 report --to report.html
"""

import polars as pl

import argosy as ag


@ag.step
def load(days: int) -> ag.Table:
    """Made-up orders: put your own here, or give the step an ag.Dataset or a path."""
    print(f"making up orders of {days} days")
    numbers = pl.int_range(days * 40, eager=True)
    depots = pl.Series(["north", "south", "harbour"])
    return pl.DataFrame({"depot": depots[numbers % 3], "minutes": numbers * 37 % 61 + numbers % 3 * 5})


@ag.step
def late(orders: ag.Table, longest: int) -> ag.Table:
    share = (pl.col("minutes") > longest).mean()
    return orders.group_by("depot").agg(share.alias("late")).sort("late", descending=True)


@ag.step
def tell(table: ag.Table) -> ag.Report:
    ag.log(worst=table["late"].max())
    lines = [f"| {depot} | {share:.1%} |" for depot, share in table.rows()]
    return ag.Report.markdown("\\n".join(["# Late orders", "", "| depot | late |", "| --- | --- |", *lines]))


@ag.pipeline
def late_orders(days: int = 30, longest: int = 50):
    table = late(load(days), longest)
    return {"table": table, "report": tell(table)}
'''

DEPOTS = ("north", "south", "harbour")
DAYS, A_DAY = 60, 40
"""How long the sample's orders reach back, and how many leave a depot on a day."""
