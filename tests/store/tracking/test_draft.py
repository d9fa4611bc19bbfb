"""Runs are written as they are drafted, many at once, and again."""

from __future__ import annotations

import msgspec
import pytest

from argosy.store import Store, artifacts
from argosy.store.artifacts import Artifact
from argosy.store.codec import from_micros
from argosy.store.tracking import draft, experiments, files, metrics, runs, texts
from argosy.store.tracking.changes import Hand
from argosy.store.tracking.draft import Draft
from argosy.testing.sample import digest
from tests.store.tracking.deeds import NOW, told

MADE = Draft(
    "e" + "1" * 31, "late", "JFK/AA", runs.RUNNING, 1_000_000, None, metrics={"auc": 0.5}, parameters={"n": "6"},
    tags={"kind": "train"}, inputs=["flights@3", "flights@4"], files=[("model.txt", digest("gone"))],
)  # fmt: skip


def _write(store: Store, *drafts: Draft) -> None:
    with store.write() as tx:
        draft.write(tx, drafts, NOW)


def test_a_run_is_as_it_is_drafted(store: Store) -> None:
    _write(store, MADE, msgspec.structs.replace(MADE, run="e" + "2" * 31, inputs=["flights@4"]))
    found = told(store, MADE.run)
    assert (found.experiment, found.run.name, found.run.status, found.run.owner) == (
        "late",
        "JFK/AA",
        "running",
        "argosy",
    )
    assert (found.metrics, found.parameters, found.inputs) == ({"auc": 0.5}, {"n": "6"}, ["flights@3", "flights@4"])
    assert found.tags == {"kind": "train", "mlflow.runName": "JFK/AA"}
    assert found.files == []  # of an artifact that is not on record
    assert told(store, "e" + "2" * 31).inputs == ["flights@4"]


def test_a_run_that_is_drafted_again_is_the_same_run(store: Store) -> None:
    _write(store, MADE)
    changed = msgspec.structs.replace(
        MADE, status=runs.SUCCEEDED, ended=3_000_000, metrics={"auc": 0.75}, steps={"auc": 2}, tags={"kind": "tune"}
    )
    _write(store, changed)
    found = told(store, MADE.run)
    assert (found.run.status, found.run.ended_at, found.tags["kind"]) == ("succeeded", from_micros(3_000_000), "tune")
    with store.read() as conn:
        assert metrics.last(conn, [found.run.id])[found.run.id]["auc"] == (0.75, 2, 3000)
        assert [each.value for each in metrics.history(conn, found.run.id, "auc")] == [0.5, 0.75]


def test_what_a_client_said_of_a_run_stays_when_it_is_drafted_again(store: Store, hand: Hand) -> None:
    drafted = msgspec.structs.replace(MADE, tags={"kind": "train", "note": "", "why": "x"})
    _write(store, drafted)
    with store.write() as tx:
        run = runs.get(tx, MADE.run)
        runs.set_tags(tx, run, {"note": "look at this one", runs.NAME_TAG: "the good one"}, hand)
        texts.remove(tx, run.id, "why", hand, run.run)
    _write(store, msgspec.structs.replace(drafted, tags={"kind": "tune", "note": "interrupted", "why": "y"}))
    found = told(store, MADE.run)
    assert found.run.name == found.tags[runs.NAME_TAG] == "the good one"
    assert (found.tags["kind"], found.tags["note"], found.tags.get("why")) == ("tune", "look at this one", None)


def test_files_lie_where_the_experiments_location_leads_however_it_is_written(store: Store, hand: Hand) -> None:
    with store.write() as tx:
        experiments.create(tx, "late", hand, location="mlflow-artifacts:///own/")
        given = Artifact(digest=digest("model"), kind="model", bytes=3, at=NOW, data=b"abc")
        artifacts.add(tx, [given])
        drafted = msgspec.structs.replace(MADE, files=[("model.txt", given.digest)])
        draft.write(tx, [drafted], NOW)
        assert files.get(tx, f"own/{MADE.run}/artifacts/model.txt").digest == given.digest


def test_a_run_stays_in_the_experiment_that_it_was_made_in(store: Store) -> None:
    _write(store, MADE)
    with store.write() as tx:
        first = experiments.find(tx, "late")
        assert first is not None
        experiments.delete(tx, first.id, Hand("ann", NOW))
    _write(store, msgspec.structs.replace(MADE, metrics={"loss": 1.0}))
    found = told(store, MADE.run)
    assert (found.run.experiment_id, found.metrics) == (first.id, {"auc": 0.5, "loss": 1.0})
    with store.read() as conn:
        other = experiments.find(conn, "late")
    assert other is not None and other.id != first.id


@pytest.mark.parametrize("drafts", [[], [MADE]])
def test_nothing_is_made_of_nothing(store: Store, drafts: list[Draft]) -> None:
    _write(store, *drafts)
    with store.read() as conn:
        assert (experiments.find(conn, "late") is not None) is bool(drafts)
