"""Registered models: under their names and numbers, with files where they lie now; what is another is told and left."""

from __future__ import annotations

from pathlib import Path

from argosy.protocols.mlflow.importing.report import MODEL, VERSION
from argosy.store import Store
from argosy.store.models import aliases, registered, versions
from argosy.store.tracking import changes
from argosy.store.tracking.changes import VERSION as KIND
from argosy.store.tracking.changes import Hand
from tests.protocols.mlflow.importing import plant
from tests.protocols.mlflow.importing.plant import NOW


def late(root: Path) -> Path:
    """Versions 1 and 3 of a model: one in an object store, one beside a run."""
    plant.run(plant.experiment(root, "7"))
    place = plant.model(root, description="flights")
    plant.version(place, 1, "s3://bucket/one", run_id=None)
    source = (root / "7" / plant.RUN / "artifacts" / "notes").as_uri()
    plant.version(place, 3, source, current_stage="Production", user_id="bob", description="third")
    plant.write(place, {"aliases/champion": "3"}, name="late", creation_timestamp=5000, description="flights")
    return place


def test_versions_keep_their_numbers_and_lead_to_their_files(store: Store, root: Path) -> None:
    late(root)
    report = plant.bring(store, root)
    assert plant.told(report) == [] and report.tallies[VERSION].brought == 2
    with store.read() as conn:
        model = registered.get(conn, "late")
        assert (model.description, model.versions, model.at.timestamp()) == ("flights", 3, 5)
        one, three = versions.get(conn, model, 1), versions.get(conn, model, 3)
        assert (one.source, one.location, one.run) == ("s3://bucket/one", "s3://bucket/one", None)
        assert three.location == three.source == f"mlflow-artifacts:/1/{plant.RUN}/artifacts/notes"
        assert (three.stage, three.owner, three.description, three.run) == ("Production", "bob", "third", plant.RUN)
        assert aliases.of(conn, [model.id]) == {model.id: {"champion": 3}}
        told = {(each.field, each.after) for each in changes.of(conn, KIND, three.entity)}
        assert told == {("imported", str(root)), ("stage", "Production")}
    again = plant.bring(store, root)
    assert plant.told(again) == [] and (again.tallies[MODEL].there, again.tallies[VERSION].there) == (1, 2)


def test_versions_that_are_new_there_come_with_their_aliases(store: Store, root: Path) -> None:
    place = late(root)
    plant.bring(store, root)
    plant.version(place, 4, "runs:/" + plant.RUN + "/notes")
    (place / "aliases" / "newest").write_text("4")
    (place / "aliases" / "champion").write_text("4")
    report = plant.bring(store, root)
    (told,) = plant.told(report)
    assert told == "model versions: late/4: its alias 'champion' points at version 3 here, and stays so"
    with store.read() as conn:
        model = registered.get(conn, "late")
        assert aliases.of(conn, [model.id])[model.id] == {"champion": 3, "newest": 4}
        made = versions.get(conn, model, 4)
        assert made.source == f"runs:/{plant.RUN}/notes"
        assert made.location == f"mlflow-artifacts:/1/{plant.RUN}/artifacts/notes"


def test_a_name_that_is_taken_is_told_and_left(store: Store, root: Path) -> None:
    late(root)
    with store.write() as tx:
        registered.create(tx, "late", Hand("ann", NOW))
    report = plant.bring(store, root)
    assert [each.partition(" is here, and is another")[0] for each in plant.told(report)] == [
        "model versions: late/1: a registered model 'late'", "model versions: late/3: a registered model 'late'",
        "registered models: late: a registered model 'late'",
    ]  # fmt: skip
    with store.read() as conn:
        assert registered.get(conn, "late").versions == 0


def test_files_of_versions_that_are_beside_nothing_are_told(store: Store, root: Path) -> None:
    plant.experiment(root)
    place = plant.model(root)
    plant.version(place, 1, "/srv/models/one", run_id=None)
    (told,) = plant.told(plant.bring(store, root))
    assert told.startswith("artifacts: late/1: files at /srv/models/one lie beside no run")


def test_experiments_alone_come_without_the_registry(store: Store, root: Path) -> None:
    late(root)
    plant.run(plant.experiment(root, "8", "other"), plant.OTHER)
    report = plant.bring(store, root, only=["other"])
    assert [each.name for each in report.experiments] == ["other"] and report.tallies[MODEL].found == 0
