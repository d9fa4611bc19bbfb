"""An execution is a run, with all that it was, at its place among the others."""

from __future__ import annotations

from argosy.store import Store, applications, artifacts, edges, executions
from argosy.store.executions import NewExecution
from argosy.store.tracking import naming
from argosy.store.tracking.runs import FAILED, SUCCEEDED
from argosy.testing import sample
from argosy.testing.sample import digest, moment
from tests.store.tracking import deeds
from tests.store.tracking.deeds import look, told


def test_a_members_training_is_a_run_of_its_fleet(store: Store) -> None:
    code = deeds.bundle(store)
    applied = applications.NewApplication(bundle=code, project="flights", at=moment(), actor="ann", git_commit="3f2a")
    with store.write() as tx:
        applications.add(tx, [applied])
        (made,) = sample.train(tx, "late", ["JFK/AA"])
        run = NewExecution(
            key="k", kind="train", subject="late/JFK/AA", started_at=moment(3), ended_at=moment(4), bundle=code,
            member_id=made.member_id, cpu_s=0.5, wall_s=1.0, peak_bytes=9, metrics={"phases": {"fit": 0.25}},
            parameters={"candidate": "LGBM", "settings": {"num_leaves": 31}, "parts": {"code": "c"}},
        )  # fmt: skip
        (id,) = executions.record(tx, [run])
        read = [("in", "dataset", "flights@2"), ("in", "rows", "r"), ("out", "version", "late/JFK/AA@2")]
        edges.add(tx, [edges.Edge(execution_id=id, direction=d, kind=k, reference=r) for d, k, r in read])
    look(store)
    found = told(store, naming.of_execution(id))
    assert (found.experiment, found.run.name, found.run.status, found.run.owner) == ("late", "JFK/AA", SUCCEEDED, "ann")
    assert (found.run.started_at, found.run.ended_at) == (moment(3), moment(4))
    assert found.metrics == {"phases.fit": 0.25, "cpu_s": 0.5, "wall_s": 1.0, "peak_bytes": 9.0}
    assert found.parameters == {"candidate": "LGBM", "num_leaves": "31"}
    assert found.inputs == ["flights@2"]
    assert found.tags == {
        "argosy.kind": "train", "argosy.subject": "late/JFK/AA", "argosy.key": "k", "argosy.bundle": code,
        "argosy.version": "late/JFK/AA@2", "mlflow.runName": "JFK/AA", "mlflow.user": "ann",
        "mlflow.source.name": "flights", "mlflow.source.type": "JOB", "mlflow.source.git.commit": "3f2a",
        "mlflow.parentRunId": naming.of_training("late", 1356998400000000 + 3 * 3600 * 1000000),
    }  # fmt: skip


def test_a_version_gives_its_scores_and_its_model(store: Store) -> None:
    with store.write() as tx:
        sample.train(tx, "late", ["JFK/AA"])
        tx.exec_driver_sql("""UPDATE version SET metrics = '{"roc_auc":0.75,"brier":0.2,"log_loss":null}'""")
    look(store)
    found = told(store, naming.of_execution(1))
    assert found.metrics == {"roc_auc": 0.7, "brier": 0.2, "cpu_s": 0.5, "wall_s": 1.0}
    assert found.files == ["model.txt"]
    assert found.tags["argosy.version"] == "late/JFK/AA/0"


def test_a_step_is_a_run_of_its_pipeline_below_the_run_that_executed_it(store: Store) -> None:
    first = deeds.begin(store)
    other = deeds.begin(store)
    outputs = [["table", digest("t")], {"items": [["value", digest("u")], ["value", digest("v")]]}]
    with store.write() as tx:
        id = deeds.step(tx, first, "fit", outputs=outputs, metrics={"loss": 0.5})
        mapped = deeds.step(tx, first, "score", 3, outputs=[["value", digest("w")]])
        deeds.again(tx, other, "fit", id)
        artifacts.add(tx, [artifacts.Artifact(digest=digest("log"), kind="log", bytes=1, at=moment())])
        edges.add(tx, [edges.Edge(execution_id=mapped, direction="out", kind="log", reference=digest("log"))])
    look(store)
    found = told(store, naming.of_execution(id))
    assert (found.experiment, found.run.name, found.run.owner) == ("nightly", "fit", "bob")
    assert found.tags["mlflow.parentRunId"] == naming.of_pipeline(first.id)
    assert found.parameters == {"n": "6", "rows": "dataset:c8cf"}
    assert found.metrics == {"loss": 0.5, "cpu_s": 1.5, "wall_s": 2.0}
    assert found.files == ["output1.table", "output2/0.value", "output2/1.value"]
    element = told(store, naming.of_execution(mapped))
    assert (element.run.name, element.files) == ("score[3]", ["log.txt", "output.value"])


def test_a_step_with_many_outputs_has_some_of_them_listed(store: Store) -> None:
    run = deeds.begin(store)
    with store.write() as tx:
        id = deeds.step(tx, run, "split", outputs=[{"items": [["value", digest(str(n))] for n in range(150)]}])
    look(store)
    assert len(told(store, naming.of_execution(id)).files) == 100


def test_an_execution_that_failed_says_why(store: Store) -> None:
    run = deeds.begin(store)
    with store.write() as tx:
        id = deeds.step(tx, run, "fit", outcome="failed", reason="ValueError: no rows")
        fallback = sample.attempt(1, "m", outcome="fallback")
        sample.train(tx, "late", ["JFK/AA"])
        (other,) = executions.record(tx, [fallback])
    look(store)
    found = told(store, naming.of_execution(id))
    assert (found.run.status, found.tags["mlflow.note.content"]) == (FAILED, "ValueError: no rows")
    instead = told(store, naming.of_execution(other))
    assert (instead.run.status, instead.tags["argosy.outcome"]) == (SUCCEEDED, "fallback")


def test_other_executions_are_runs_of_argosy_but_lists_and_tracked_ones_are_none(store: Store) -> None:
    kinds = ["ingest", edges.LIST, "tracked"]
    with store.write() as tx:
        made = [
            NewExecution(key=kind, kind=kind, subject="flights", started_at=moment(), ended_at=moment())
            for kind in kinds
        ]
        ids = executions.record(tx, made)
        edges.add(tx, [edges.Edge(execution_id=ids[0], direction="out", kind="dataset", reference="flights@4")])
    look(store)
    assert deeds.names(store) == [naming.of_execution(ids[0])]
    found = told(store, deeds.names(store)[0])
    assert (found.experiment, found.run.name, found.tags["argosy.version"]) == ("argosy", "ingest flights", "flights@4")


def test_a_step_whose_run_is_not_told_of_belongs_to_its_pipeline_all_the_same(store: Store) -> None:
    with store.write() as tx:
        made = NewExecution(key="k", kind="step", subject="nightly/fit", started_at=moment(), ended_at=moment())
        (id,) = executions.record(tx, [made])
    look(store)
    assert told(store, naming.of_execution(id)).experiment == "nightly"
