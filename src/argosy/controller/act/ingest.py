"""Carry out an `Ingest`."""

from __future__ import annotations

from datetime import datetime

from argosy.controller import apply
from argosy.controller.action import Ingest
from argosy.controller.house import House
from argosy.controller.observe import Snapshot
from argosy.data.ingest import ingest
from argosy.spec.dataset import Dataset


def run(house: House, snapshot: Snapshot, action: Ingest, now: datetime) -> str:
    """Take in what the dataset's source offers; returns what happened in words."""
    wanted = snapshot.wanted["dataset", action.dataset]
    dataset = wanted.declaration
    assert isinstance(dataset, Dataset)
    house.functions(wanted)
    with house.store.read() as conn:
        root = apply.root(conn, wanted.project)
    outcome = ingest(
        house.store, dataset, root, now, environment=house.environment, actor=house.actor, bundle=wanted.bundle
    )
    return str(outcome) if outcome.version is not None else f"{dataset.name}: {outcome}"
