"""A training of a fleet sums up its members."""

from __future__ import annotations

import pytest

from argosy.store import Store, edges, executions, members, versions
from argosy.store.executions import NewExecution
from argosy.store.tracking import absorb, metrics, naming, runs
from argosy.testing import sample
from argosy.testing.sample import moment
from tests.store.tracking.deeds import look, names, told

STARTED = 1356998400000000


def test_members_that_were_trained_together_are_one_training(store: Store) -> None:
    with store.write() as tx:
        sample.train(tx, "late", ["a", "b", "c"])
        sample.train(tx, "late", ["a"], hours=5)
        sample.train(tx, "early", ["a"])
        tx.exec_driver_sql("UPDATE version SET metrics = '{\"brier\":0.5}' WHERE number = 1")
        tx.exec_driver_sql("""UPDATE version SET metrics = '{"brier":0.2}' WHERE id = 1""")
        tx.exec_driver_sql("UPDATE version SET metrics = '{\"brier\":null}' WHERE id = 2")
    look(store)
    found = told(store, naming.of_training("late", STARTED))
    assert (found.experiment, found.run.name, found.run.status) == ("late", "training 2013-01-01 00:00:00", "succeeded")
    assert (found.run.started_at, found.run.ended_at) == (moment(), moment(1))
    assert found.metrics == {
        "members": 3, "failed": 0, "fallbacks": 0, "versions": 3, "cpu_s": 1.5, "wall_s": 3, "peak_bytes": 0,
        "mean.brier": pytest.approx(0.35),
    }  # fmt: skip
    assert found.inputs == ["flights@1", "weather@1"]
    assert [name for name in names(store) if name.startswith("f")] == sorted(
        naming.of_training(*each)
        for each in [("late", STARTED), ("late", STARTED + 5 * 3600 * 10**6), ("early", STARTED)]
    )


def test_a_training_that_lands_in_parts_is_added_up(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(absorb, "MOST", 2)
    with store.write() as tx:
        made = sample.train(tx, "late", list("abcde"))
        for version in made:
            text = f'{{"brier":{version.number * 0.1 + version.id}}}'
            tx.exec_driver_sql(f"UPDATE version SET metrics = '{text}' WHERE id = {version.id}")
        (id,) = members.ensure(tx, "late", ["f"], moment()).values()
        executions.record(tx, [sample.attempt(id, "f", outcome="failed")])
        tune = NewExecution(
            key="t", kind="tune", subject="late", started_at=moment(), ended_at=moment(2), cpu_s=10.0, wall_s=20.0,
            peak_bytes=77,
        )  # fmt: skip
        executions.record(tx, [tune])
    assert look(store) == 4
    found = told(store, naming.of_training("late", STARTED))
    assert found.metrics == {
        "members": 6, "failed": 1, "fallbacks": 0, "versions": 5, "cpu_s": 13, "wall_s": 26, "peak_bytes": 77,
        "mean.brier": pytest.approx(3.1),
    }  # fmt: skip
    assert found.run.ended_at == moment(2)
    with store.read() as conn:
        history = metrics.history(conn, found.run.id, "members")
        last = metrics.last(conn, [found.run.id])[found.run.id]
    assert [(each.step, each.value) for each in history] == [(2, 2), (4, 4), (6, 6), (6, 6)]
    assert (last["mean.brier"].step, last["cpu_s"].step) == (5, 6)
    assert told(store, naming.of_execution(7)).tags["mlflow.parentRunId"] == found.run.run


def test_a_training_of_which_nothing_came_failed(store: Store) -> None:
    with store.write() as tx:
        ids = members.ensure(tx, "late", ["a", "b"], moment())
        executions.record(tx, [sample.attempt(id, key, outcome="failed") for key, id in ids.items()])
    look(store)
    assert told(store, naming.of_training("late", STARTED)).run.status == runs.FAILED
    with store.write() as tx:
        executions.record(tx, [sample.attempt(ids["a"], "a")])
    look(store)
    assert told(store, naming.of_training("late", STARTED)).run.status == runs.SUCCEEDED


def test_versions_of_other_trainings_do_not_count(store: Store) -> None:
    with store.write() as tx:
        sample.train(tx, "late", ["a"])
    look(store)
    with store.write() as tx:
        sample.train(tx, "late", ["a"], hours=5)
        assert [each.number for each in versions.of(tx, [1])] == [1, 2]
        assert len(edges.of(tx, [1, 2], edges.OUT)) == 2
    look(store)
    assert told(store, naming.of_training("late", STARTED + 5 * 3600 * 10**6)).metrics["versions"] == 1
