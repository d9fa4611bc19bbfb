"""A run of a pipeline is a run, from its beginning to its last end."""

from __future__ import annotations

from datetime import timedelta

from argosy.store import Store, leases, runs
from argosy.store.tracking import absorb, naming
from argosy.store.tracking.runs import CANCELLED, FAILED, RUNNING, SUCCEEDED
from argosy.testing.sample import moment
from tests.store.tracking import deeds
from tests.store.tracking.deeds import look, told

TTL = timedelta(hours=1)
OWN = naming.of_pipeline(1)


def test_a_run_is_at_work_until_it_ends(store: Store) -> None:
    run = deeds.begin(store)
    lease = leases.claim(store, run.lease, "here", moment(1), TTL)
    assert lease is not None
    look(store, moment(1.5))
    found = told(store, OWN)
    assert (found.experiment, found.run.name, found.run.owner) == ("nightly", "run 1", "bob")
    assert (found.run.status, found.run.started_at, found.run.ended_at) == (RUNNING, moment(1), None)
    assert found.parameters == {"depth": "6", "to": "None"}
    assert (found.metrics, found.inputs) == ({}, ["flights@3"])
    assert found.tags["argosy.cause"] == "by hand"
    assert absorb.behind(store)  # it may end without a word
    deeds.end(store, run, runs.FAILED, "fit failed")
    leases.release(store, [lease])
    look(store, moment(2))
    found = told(store, OWN)
    assert (found.run.status, found.run.ended_at) == (FAILED, moment(2))
    assert found.tags["mlflow.note.content"] == "fit failed"
    assert found.metrics == {"calls.executed": 2, "calls.failed": 1, "wall_s": 3600}
    assert not absorb.behind(store)


def test_a_run_that_was_killed_is_cancelled(store: Store) -> None:
    run = deeds.begin(store)
    assert leases.claim(store, run.lease, "here", moment(1), TTL) is not None
    look(store, moment(1.5))
    look(store, moment(3))
    found = told(store, OWN)
    assert (found.run.status, found.run.ended_at) == (CANCELLED, None)
    assert found.tags["mlflow.note.content"] == "interrupted"
    assert not absorb.behind(store)


def test_a_run_that_has_just_begun_is_about_to_work(store: Store) -> None:
    deeds.begin(store)
    look(store, moment(1) + timedelta(seconds=5))
    assert told(store, OWN).run.status == RUNNING
    look(store, moment(1) + timedelta(minutes=2))
    assert told(store, OWN).run.status == CANCELLED


def test_a_run_that_is_continued_is_at_work_again_once_anything_came_of_it(store: Store) -> None:
    run = deeds.begin(store)
    deeds.end(store, run, runs.FAILED, "fit failed")
    look(store, moment(3))
    assert leases.claim(store, run.lease, "here", moment(4), TTL) is not None
    with store.write() as tx:
        deeds.step(tx, run, "fit")
    look(store, moment(4))
    found = told(store, OWN)
    assert (found.run.status, found.run.ended_at, found.tags["mlflow.note.content"]) == (RUNNING, None, "")
    deeds.end(store, run, runs.SUCCEEDED, hours=4.5)
    look(store, moment(6))
    assert (told(store, OWN).run.status, told(store, OWN).run.ended_at) == (SUCCEEDED, moment(4.5))
