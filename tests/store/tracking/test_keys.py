"""Keys are listed a few at a time, by name."""

from __future__ import annotations

from datetime import timedelta

from argosy.store import Store
from argosy.store.tracking import experiments, keys, metrics, runs, texts
from argosy.store.tracking.changes import Hand
from argosy.store.tracking.metrics import Point


def test_keys_of_an_experiment_and_of_runs(store: Store, hand: Hand) -> None:
    with store.write() as tx:
        other = experiments.create(tx, "other", hand)
        first, second = (runs.create(tx, 0, "r", hand.at + timedelta(hours=n), hand) for n in range(2))
        apart = runs.create(tx, other, "r", hand.at, hand)
        metrics.log(tx, first.id, 0, [Point("auc", 0.5, 0, 0), Point("val_loss", 1.0, 0, 0)])
        metrics.log(tx, second.id, 0, [Point("auc", 0.5, 0, 0), Point("Val%", 1.0, 0, 0)])
        metrics.log(tx, apart.id, other, [Point("elsewhere", 1.0, 0, 0)])
        texts.put(tx, texts.PARAMETER, second.id, 0, {"depth": "6", "rate": "0.1"}, hand)
    with store.read() as conn:
        assert keys.of_experiment(conn, "metric", 0) == ["Val%", "auc", "val_loss"]
        assert keys.of_experiment(conn, "metric", 0, limit=2) == ["Val%", "auc"]
        assert keys.of_experiment(conn, "metric", 0, "VAL") == ["Val%", "val_loss"]
        assert keys.of_experiment(conn, "metric", 0, "l_l") == ["val_loss"]
        assert keys.of_experiment(conn, "metric", 0, "l%") == ["Val%"]
        assert keys.of_experiment(conn, "parameter", other) == []
        assert keys.of_runs(conn, "metric", [first.id, apart.id]) == ["auc", "elsewhere", "val_loss"]
        assert keys.of_runs(conn, "metric", [first.id, second.id], limit=2) == ["Val%", "auc"]
        assert keys.of_runs(conn, "metric", [first.id, second.id], limit=2, after="auc") == ["val_loss"]
        assert keys.of_runs(conn, "parameter", [first.id, second.id], "DEP") == ["depth"]
        assert keys.of_runs(conn, "tag", []) == []
    with store.write() as tx:
        metrics.log(tx, second.id, 0, [Point("auc", 0.6, 3, 9), Point("val_loss", 0.6, 4, 9), Point("loss", 0.6, 4, 9)])
    with store.read() as conn:
        assert keys.stepped(conn, [first.id, second.id], ["auc", "Val%", "none"]) == ["auc"]
        every = ["Val%", "auc", "loss", "val_loss"]
        assert keys.stepped(conn, [first.id, second.id], every) == ["loss", "val_loss", "auc"]
        assert keys.stepped(conn, [first.id], ["auc"]) == []
