"""Runs: brought once, whole, as executions with lineage; what differs is told and left."""

from __future__ import annotations

from pathlib import Path

from argosy.protocols.mlflow.importing.report import FILE, POINT, RUN
from argosy.store import Store
from argosy.store.rows import execute
from argosy.store.tracking import experiments, files, metrics, runs, texts
from argosy.store.tracking.changes import Hand
from argosy.store.tracking.metrics import Last, Point
from tests.protocols.mlflow.importing import plant
from tests.protocols.mlflow.importing.plant import NOW, OTHER


def test_a_run_is_here_with_all_that_it_logged(store: Store, root: Path) -> None:
    plant.run(plant.experiment(root))
    report = plant.bring(store, root)
    assert plant.told(report) == []
    assert [report.tallies[kind].brought for kind in (RUN, POINT, FILE)] == [1, 3, 1] and report.bytes == 5
    with store.read() as conn:
        run = runs.get(conn, plant.RUN)
        home = experiments.get(conn, run.experiment_id)
        assert (home.name, run.name, run.owner, run.status) == ("trees", "oak", "bob", runs.SUCCEEDED)
        assert [run.started_at.timestamp(), run.ended_at and run.ended_at.timestamp()] == [1, 9]
        assert texts.of(conn, texts.PARAMETER, [run.id])[run.id] == {"depth": "6"}
        assert texts.of(conn, texts.TAG, [run.id])[run.id] == {"team": "ops", runs.NAME_TAG: "oak"}
        assert metrics.last(conn, [run.id])[run.id] == {"auc": Last(0.75, 2, 3000)}
        first, _, last = metrics.history(conn, run.id, "auc")
        assert (first, last) == (Point("auc", 0.5, 0, 1000), Point("auc", 0.75, 2, 3000))
        assert files.get(conn, f"{home.id}/{plant.RUN}/artifacts/notes/a.txt").data == b"hello"


def test_a_run_that_ended_is_an_execution_that_made_its_artifacts(store: Store, root: Path) -> None:
    place = plant.experiment(root)
    plant.run(place)
    plant.run(place, OTHER, status=1, end_time=None)
    plant.bring(store, root, artifacts=False)
    with store.read() as conn:
        first, none = (runs.execution(conn, runs.get(conn, name).id) for name in (plant.RUN, OTHER))
    assert first is not None and none is None
    assert plant.bring(store, root).tallies[FILE].brought == 2
    with store.read() as conn:
        id = runs.execution(conn, runs.get(conn, plant.RUN).id)
        assert id is not None and id != first
        sql = "SELECT kind FROM edge WHERE execution_id = ? ORDER BY kind"
        assert [kind for (kind,) in execute(conn, sql, (id,))] == ["artifact", "run"]


def test_what_is_here_is_not_done_again(store: Store, root: Path) -> None:
    plant.run(plant.experiment(root))
    plant.bring(store, root)
    with store.write() as tx:
        runs.set_tags(tx, runs.get(tx, plant.RUN), {"mine": "yes"}, Hand("ann", NOW))
    again = plant.bring(store, root)
    assert plant.told(again) == [] and again.tallies[RUN].there == 1
    assert [again.tallies[kind].brought for kind in (RUN, POINT, FILE)] == [0, 0, 0]


def test_a_run_that_changed_there_is_told_and_left(store: Store, root: Path) -> None:
    place = plant.run(plant.experiment(root))
    plant.bring(store, root)
    (place / "params" / "depth").write_text("7")
    report = plant.bring(store, root)
    (told,) = plant.told(report)
    assert told.startswith(f"runs: {plant.RUN}: it was imported, and has changed there since")
    with store.read() as conn:
        run = runs.get(conn, plant.RUN)
        assert texts.of(conn, texts.PARAMETER, [run.id])[run.id] == {"depth": "6"}


def test_a_run_of_another_with_the_same_id_is_told_and_left(store: Store, root: Path) -> None:
    plant.run(plant.experiment(root))
    with store.write() as tx:
        experiments.ensure_default(tx)
        made = runs.create(tx, 0, "mine", NOW, Hand("ann", NOW))
    (root / "1" / plant.RUN).rename(root / "1" / made.run)
    (told,) = plant.told(plant.bring(store, root))
    assert told.startswith(f"runs: {made.run}: a run of this id is here, 'mine'")


def test_broken_runs_stop_no_other(store: Store, root: Path) -> None:
    place = plant.experiment(root)
    plant.run(place)
    for name, broken in (("c", "metrics/auc"), ("d", "meta.yaml"), ("e", "metrics/empty")):
        (plant.run(place, name * 32) / broken).write_text("nonsense\n" if name != "e" else "")
    plant.run(place, "e" + "0" * 31)
    report = plant.bring(store, root)
    assert [each.split(": ")[1] for each in plant.told(report)] == [
        f"1/{'c' * 32}", f"1/{'d' * 32}", f"1/{'e' * 32}", "e" + "0" * 31,
    ]  # fmt: skip
    assert "tells of what an Argosy did itself" in plant.told(report)[-1]
    assert (report.tallies[RUN].found, report.tallies[RUN].brought, report.tallies[RUN].failed) == (5, 1, 4)


def test_deleted_runs_and_experiments_lie_in_the_trash(store: Store, root: Path) -> None:
    plant.run(plant.experiment(root), lifecycle_stage="deleted")
    plant.run(plant.experiment(root / ".trash", "2", "gone"), OTHER, lifecycle_stage="deleted")
    for _ in range(2):
        assert plant.told(plant.bring(store, root)) == []
    with store.write() as tx:
        run, other = runs.get(tx, plant.RUN), runs.get(tx, OTHER)
        (gone,) = experiments.trashed(tx, "gone")
        assert (run.deleted_at, other.deleted_at, other.experiment_id) == (NOW, gone.deleted_at, gone.id)
        experiments.restore(tx, gone.id, Hand("ann", NOW))
        assert runs.get(tx, OTHER).deleted_at is None and experiments.find(tx, "gone") is not None
