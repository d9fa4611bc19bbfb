"""A home with a fleet of many members that need nothing, made of facts alone: nothing is trained."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from argosy.controller import signal
from argosy.controller.apply import apply
from argosy.controller.house import House
from argosy.controller.plan import watch_key
from argosy.controller.survey import observe
from argosy.store import datasets, executions, members, signals
from argosy.store.store import Store
from argosy.testing.sample import ingest, train

NOW = datetime(2013, 6, 1, tzinfo=UTC)
FLEET = "late"
PROJECT = """
import argosy as ag
from argosy.spec.estimator import Estimator

flights = ag.Dataset("flights", time="t", source=ag.Parquet("data/*.parquet"))
late = ag.Fleet(
    "late", spine=flights, by=["store"], label="late", features=["distance"], pooled=True,
    candidates=[ag.Candidate(Estimator("sklearn.linear_model:LogisticRegression"))],
    gates=[ag.Gate("log_loss", maximum=0.6)], rollout=ag.Canary(bake="2h"),
    retrain=(ag.drifted() | ag.degraded() | ag.older_than("60d")) & ag.new_rows(500),
)
"""


def populate(store: Store, folder: Path, count: int) -> None:
    """Apply the project and record what training `count` members and the pooled one would."""
    (folder / "data").mkdir(parents=True)
    (folder / "project.py").write_text(PROJECT)
    apply(store, folder / "project.py", NOW, "tester")
    keys = ["*", *(f"s{number:05}" for number in range(count))]
    with store.write() as tx:
        made = train(tx, FLEET, keys)
        datasets.commit(tx, ingest("flights", "january"))
    values = {
        signal.ROWS: 900.0, signal.TRAINED_ROWS: 800.0, signal.TRAINED: (NOW - timedelta(days=3)).timestamp(),
        signal.REVISION: 1.0, signal.DRIFT: 0.5, signal.DRIFT_VALUE: 0.1, signal.DEGRADED: 0.0, signal.SCORE: 0.6,
        signal.SCORE_ROWS: 90.0, signal.SERVED: 12.0,
    }  # fmt: skip
    with store.write() as tx:
        signals.record(
            tx,
            [
                signals.NewSignal(fleet=FLEET, member_id=v.member_id, name=name, value=value, at=NOW)
                for v in made
                for name, value in {**values, signal.JUDGED: float(v.id)}.items()
            ],
        )


def watched(house: House) -> None:
    """Record that the fleet was watched now."""
    snapshot = observe(house, NOW)
    key = watch_key(snapshot, snapshot.fleets[FLEET].fleet, NOW)
    run = executions.NewExecution(key=key, kind="watch", subject=f"watch:{FLEET}", started_at=NOW, ended_at=NOW)
    with house.store.write() as tx:
        executions.record(tx, [run])


def rows_arrive(store: Store) -> None:
    """Every member drifted, and has enough new rows to be trained again."""
    with store.write() as tx:
        ids = members.ids(tx, FLEET).values()
        changed = {signal.ROWS: 2000.0, signal.DRIFT: 1.5}
        signals.record(
            tx,
            [
                signals.NewSignal(fleet=FLEET, member_id=id, name=name, value=value, at=NOW)
                for id in ids
                for name, value in changed.items()
            ],
        )
