"""How many runs an experiment has, in and out of the trash, and which began last."""

from __future__ import annotations

from datetime import timedelta

from argosy.store import Store
from argosy.store.tracking import census, experiments, runs
from argosy.store.tracking.census import Count
from argosy.store.tracking.changes import Hand


def test_runs_are_counted_and_the_last_is_named(store: Store, hand: Hand) -> None:
    with store.write() as tx:
        busy, idle = experiments.create(tx, "busy", hand), experiments.create(tx, "idle", hand)
        made = [runs.create(tx, busy, f"r{n}", hand.at + timedelta(hours=n), hand, owner="bo") for n in range(4)]
        runs.delete(tx, made[3].run, hand)
        runs.delete(tx, made[0].run, hand)
    with store.read() as conn:
        found = census.of(conn, [busy, idle, 0])
    assert found[busy] == Count(2, 2, made[2])
    assert found[idle] == found[0] == Count()
