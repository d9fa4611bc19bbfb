"""Experiments: one of a name that is here gets the runs and the tags that it has not."""

from __future__ import annotations

from pathlib import Path

from argosy.protocols.mlflow.importing.report import EXPERIMENT, Place
from argosy.store import Store
from argosy.store.tracking import changes, experiments, labels, runs
from argosy.store.tracking.changes import EXPERIMENT as KIND
from argosy.store.tracking.changes import Hand
from tests.protocols.mlflow.importing import plant
from tests.protocols.mlflow.importing.plant import NOW


def test_one_that_is_not_here_is_made_as_it_was(store: Store, root: Path) -> None:
    place = plant.experiment(root, "77")
    plant.write(place, {"tags/team": "ops"}, name="trees", creation_time=5000, last_update_time=7000)
    report = plant.bring(store, root)
    assert report.tallies[EXPERIMENT].brought == 1 and report.experiments == [Place("trees", "77", 1, True)]
    with store.read() as conn:
        found = experiments.find(conn, "trees")
        assert found is not None and found.location == "mlflow-artifacts:/1"
        assert (found.at.timestamp(), found.updated_at.timestamp()) == (5, 7)
        assert labels.of(conn, KIND, ["1"]) == {"1": {"team": "ops"}}
        assert [each.after for each in changes.of(conn, KIND, "1")] == [str(root)]


def test_one_of_a_name_that_is_here_gets_the_runs(store: Store, root: Path) -> None:
    with store.write() as tx:
        id = experiments.create(tx, "trees", Hand("bob", NOW), tags={"team": "research"})
    place = plant.experiment(root, "77")
    plant.write(place, {"tags/team": "ops", "tags/kind": "oaks"}, name="trees")
    plant.run(place)
    report = plant.bring(store, root)
    assert plant.told(report) == [] and report.experiments == [Place("trees", "77", id, False)]
    with store.read() as conn:
        assert runs.get(conn, plant.RUN).experiment_id == id
        assert labels.of(conn, KIND, [str(id)]) == {str(id): {"team": "research", "kind": "oaks"}}


def test_one_that_is_only_counted_leaves_nothing(store: Store, root: Path) -> None:
    plant.run(plant.experiment(root))
    report = plant.bring(store, root, dry=True)
    assert report.tallies[EXPERIMENT].found == 1 and report.experiments == []
    with store.read() as conn:
        assert experiments.find(conn, "trees") is None and runs.named(conn, [plant.RUN]) == {}
