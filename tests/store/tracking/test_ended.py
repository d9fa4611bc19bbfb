"""A client's run that ends is an execution with its lineage."""

from __future__ import annotations

from datetime import timedelta

from argosy.store import Store, artifacts, datasets, edges, executions, lineage
from argosy.store.lineage import Node
from argosy.store.models import logged
from argosy.store.tracking import absorb, ended, experiments, files, inputs, metrics, runs, texts, trash
from argosy.store.tracking.changes import Hand
from argosy.store.tracking.inputs import Input, Source
from argosy.store.tracking.metrics import Point
from argosy.testing import sample
from argosy.testing.sample import digest
from tests.store.tracking.deeds import look, names


def _run(store: Store, hand: Hand, location: str = "") -> runs.Run:
    with store.write() as tx:
        home = experiments.create(tx, "wine", hand, location)
        return runs.create(tx, home, "try 1", hand.at - timedelta(seconds=90), hand)


def _end(store: Store, run: runs.Run, hand: Hand, status: str = runs.SUCCEEDED) -> executions.Execution:
    with store.write() as tx:
        new = runs.change(tx, run, hand, status=status, ended_at=hand.at)
        id = ended.record(tx, new, hand)
    with store.read() as conn:
        assert runs.execution(conn, run.id) == id
        return executions.get(conn, [id])[id]


def _flows(store: Store, id: int) -> set[tuple[str, str, str]]:
    with store.read() as conn:
        return {(each.direction, each.kind, each.reference) for each in edges.of(conn, [id])}


def test_it_has_parameters_last_metrics_and_times(store: Store, hand: Hand) -> None:
    run = _run(store, hand)
    with store.write() as tx:
        texts.put(tx, texts.PARAMETER, run.id, run.experiment_id, {"depth": "6"}, hand)
        points = [("auc", 0.5, 0), ("auc", 0.75, 1), ("bad", float("nan"), 0), ("far", float("inf"), 0)]
        metrics.log(tx, run.id, run.experiment_id, [Point(key, value, step, 0) for key, value, step in points])
    found = _end(store, run, hand, runs.FAILED)
    assert (found.kind, found.subject, found.key, found.outcome) == ("tracked", "wine/try 1", run.run, "failed")
    assert (found.started_at, found.ended_at, found.wall_s) == (run.started_at, hand.at, 90)
    assert (found.parameters, found.metrics) == ({"depth": "6"}, {"auc": 0.75})
    assert _flows(store, found.id) == {("out", "run", run.run)}


def test_a_dataset_is_a_version_of_ours_only_where_it_is_one(store: Store, hand: Hand) -> None:
    run = _run(store, hand)
    with store.write() as tx:
        datasets.commit(tx, sample.ingest("flights", "a"))
        given = [("flights", "1"), ("flights", "2"), ("flights", "9f3a"), ("wine", "1")]
        read = [Input(Source(name, number, "local", "/data"), {}) for name, number in given]
        inputs.log(tx, run.id, run.experiment_id, read)
    found = _end(store, run, hand)
    assert {flow for flow in _flows(store, found.id) if flow[0] == "in"} == {
        ("in", "dataset", "flights@1"), ("in", "external dataset", "flights@2"),
        ("in", "external dataset", "flights@9f3a"), ("in", "external dataset", "wine@1"),
    }  # fmt: skip


def test_its_models_and_files_are_what_it_read_and_made(store: Store, hand: Hand) -> None:
    run = _run(store, hand)
    with store.write() as tx:
        mine = logged.create(tx, run.experiment_id, "model", hand, run=run.run)
        logged.flow(tx, run.id, logged.OUT, [("m-1", 0)])
        logged.flow(tx, run.id, logged.IN, [("m-2", 0)])
        root = f"{run.experiment_id}/{run.run}/artifacts"
        for name, data in (("a.txt", b"a"), ("below/b.txt", b"b"), ("again.txt", b"a")):
            files.put(tx, f"{root}/{name}", digest(data.decode()), 1, hand, data)
        files.put(tx, f"{run.experiment_id}/{'0' * 32}/artifacts/c.txt", digest("c"), 1, hand, b"c")
    found = _end(store, run, hand)
    assert _flows(store, found.id) == {
        ("out", "run", run.run), ("in", "logged model", "m-2"), ("out", "logged model", "m-1"),
        ("out", "logged model", mine.model), ("out", "artifact", digest("a")), ("out", "artifact", digest("b")),
    }  # fmt: skip
    with store.read() as conn:
        graph = lineage.walk(conn, Node("artifact", digest("b")))
        assert Node("logged model", "m-2") in graph.nodes
        assert artifacts.get(conn, [digest("c")])


def test_files_that_are_kept_elsewhere_are_none_of_it(store: Store, hand: Hand) -> None:
    found = _end(store, _run(store, hand, "s3://elsewhere"), hand)
    assert len(_flows(store, found.id)) == 1


def test_a_run_that_ends_again_is_another_execution(store: Store, hand: Hand) -> None:
    run = _run(store, hand)
    first, second = _end(store, run, hand, runs.CANCELLED), _end(store, run, hand)
    assert second.id > first.id and (first.outcome, second.outcome) == ("cancelled", "succeeded")


def test_it_is_not_absorbed_as_another_run(store: Store, hand: Hand) -> None:
    run = _run(store, hand)
    _end(store, run, hand)
    look(store)
    assert not absorb.behind(store) and names(store) == [run.run]


def test_a_run_that_is_purged_leaves_nothing_but_that_it_was(store: Store, hand: Hand) -> None:
    run = _run(store, hand)
    with store.write() as tx:
        texts.put(tx, texts.PARAMETER, run.id, run.experiment_id, {"who": "ann"}, hand)
        root = f"{run.experiment_id}/{run.run}/artifacts"
        files.put(tx, f"{root}/a.txt", digest("a"), 1, hand, b"a")
    found = _end(store, run, hand)
    with store.write() as tx:
        runs.delete(tx, run.run, hand)
    for days in (31, 32):
        trash.purge(store, hand.at + timedelta(days=days))
    with store.read() as conn:
        left = executions.get(conn, [found.id])[found.id]
        assert (left.subject, left.parameters, left.metrics, left.outcome) == (run.run, {}, {}, "succeeded")
        assert not artifacts.get(conn, [digest("a")])
    assert _flows(store, found.id) == set()
