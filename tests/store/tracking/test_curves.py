"""Curves of several metrics of several runs."""

from __future__ import annotations

import math

from argosy.store import Store
from argosy.store.tracking import curves, metrics, runs
from argosy.store.tracking.changes import Hand
from argosy.store.tracking.metrics import Point


def test_points_come_by_key_and_run_in_the_order_of_steps(store: Store, hand: Hand) -> None:
    with store.write() as tx:
        first, second, idle = (runs.create(tx, 0, "r", hand.at, hand) for _ in range(3))
        for step in (2, 0, 1):  # a resumed run logs early steps late
            metrics.log(tx, first.id, 0, [Point("loss", 1.0 / (step + 1), step, 10 + step), Point("auc", 0.5, step, 1)])
        metrics.log(tx, first.id, 0, [Point("loss", 0.25, 1, 11), Point("loss", math.nan, 3, 12)])
        metrics.log(tx, second.id, 0, [Point("loss", 2.0, 0, 0), Point("losses", 9.0, 0, 0)])
    with store.read() as conn:
        found = curves.of(conn, [first.id, second.id, idle.id], ["loss", "none"])
    assert list(found) == ["loss"] and set(found["loss"]) == {first.id, second.id}
    assert found["loss"][first.id][:3] == [(0, 1.0), (1, 0.25), (2, 1 / 3)]
    assert math.isnan(found["loss"][first.id][3][1])
    assert found["loss"][second.id] == [(0, 2.0)]
