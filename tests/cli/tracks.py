"""A home with tracked runs for the commands about them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Connection

from argosy.store import Store
from argosy.store.rows import execute
from argosy.store.tracking import experiments, files, inputs, metrics, runs, texts
from argosy.store.tracking.changes import Hand
from argosy.store.tracking.inputs import Input, Source
from argosy.store.tracking.metrics import Point
from argosy.store.tracking.runs import PARENT_TAG

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
HAND = Hand("ann", NOW)
NAMES = tuple(f"{number}0000000{'4' * 24}" for number in range(6))


class Tracks(NamedTuple):
    """Six runs of the experiment `flights`, which are called `NAMES`, and one of `trains`.

    Of the n-th the depth is n, the error 1 / (n + 1) after three steps, the commit that of n modulo 2; the last one
    failed and is nested under the first.
    """

    home: Path


def fill(home: Path) -> Tracks:
    """Have them in a home."""
    with Store.open(home) as store, store.write() as tx:
        experiments.ensure_default(tx)
        flights, trains = (experiments.create(tx, name, HAND) for name in ("flights", "trains"))
        for number, name in enumerate(NAMES):
            _run(store, tx, flights, number, name)
        runs.create(tx, trains, "express", NOW, Hand("bob", NOW))
    return Tracks(home)


def _run(store: Store, tx: Connection, experiment: int, number: int, name: str) -> None:
    tags = {"mlflow.source.name": "train.py", "mlflow.source.git.commit": f"{number % 2:040x}", "team": "ops"}
    tags |= {PARENT_TAG: NAMES[0]} if number == len(NAMES) - 1 else {}
    run = runs.create(tx, experiment, f"tree {number}", NOW + timedelta(hours=number), HAND, owner="ann", tags=tags)
    execute(tx, "UPDATE tracked SET run = ? WHERE id = ?", (name, run.id))
    run = run._replace(run=name)
    texts.put(tx, texts.PARAMETER, run.id, experiment, {"depth": str(number), "seed": "7"}, HAND)
    points = [Point("error", (3 - step) / (number + 1), step, 1000 + step) for step in range(3)]
    metrics.log(tx, run.id, experiment, [*points, Point("rows", 100.0, 0, 0)])
    given = Source("orders", f"d{number // 3}", "local", "orders.csv")
    inputs.log(tx, run.id, experiment, [Input(given, {"mlflow.data.context": "training"})])
    digest = store.blobs.put(b"a,b\n1,2\n")
    files.put(tx, f"{experiment}/{name}/artifacts/tables/rows.csv", digest, 8, HAND)
    status = runs.FAILED if number == len(NAMES) - 1 else runs.SUCCEEDED
    runs.change(tx, run, HAND, status=status, ended_at=run.started_at + timedelta(seconds=90))
