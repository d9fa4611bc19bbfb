"""Logged models: brought once with their metrics and files; what changed there is told and left."""

from __future__ import annotations

from pathlib import Path

from argosy.protocols.mlflow.importing.report import FILE, LOGGED
from argosy.store import Store
from argosy.store.models import logged, readings
from argosy.store.models.readings import Reading
from argosy.store.tracking import changes, files, labels
from argosy.store.tracking.changes import LOGGED as KIND
from argosy.store.tracking.metrics import Point
from tests.protocols.mlflow.importing import plant

MODEL = "m-" + "1" * 32


def model(root: Path, name: str = MODEL, **meta: object) -> Path:
    """A logged model of a run, as clients since 3 leave it."""
    held = {
        "params/depth": "6", "tags/team": "ops", "metrics/auc": f"7000 0.75 1 {plant.RUN} rows 1f\n",
        "artifacts/MLmodel": "flavors: {}", "artifacts/data/model.bin": "x",
    }  # fmt: skip
    given = {"name": "oak", "model_type": "tree", "status": 2, "source_run_id": plant.RUN, "creation_timestamp": 5000}
    place = plant.experiment(root)
    plant.run(place)
    return plant.write(place / "models" / name, held, **{**given, **meta})


def test_a_logged_model_is_here_as_it_was(store: Store, root: Path) -> None:
    model(root)
    model(root, "m-" + "2" * 32, lifecycle_stage="deleted")
    report = plant.bring(store, root)
    assert plant.told(report) == [] and report.tallies[LOGGED].brought == 1
    with store.read() as conn:
        found = logged.get(conn, MODEL)
        assert (found.name, found.type, found.status, found.run) == ("oak", "tree", logged.READY, plant.RUN)
        assert (found.at.timestamp(), found.deleted_at, found.parameters) == (5, None, {"depth": "6"})
        assert labels.of(conn, KIND, [MODEL]) == {MODEL: {"team": "ops"}}
        assert readings.of(conn, [found.id]) == {
            found.id: [Reading(MODEL, plant.RUN, "rows", "1f", Point("auc", 0.75, 1, 7000))]
        }
        assert set(files.below(conn, f"1/models/{MODEL}/artifacts")) == {
            f"1/models/{MODEL}/artifacts/{name}" for name in ("MLmodel", "data/model.bin")
        }
        assert [each.field for each in changes.of(conn, KIND, MODEL)] == ["imported"]
    again = plant.bring(store, root)
    assert again.tallies[LOGGED].there == 1 and again.tallies[FILE].found == 0


def test_one_that_changed_there_is_told_and_left(store: Store, root: Path) -> None:
    place = model(root)
    plant.bring(store, root)
    (place / "params" / "depth").write_text("7")
    (told,) = plant.told(plant.bring(store, root))
    assert told == f"logged models: {MODEL}: it was imported, and has changed there since: what is here stays as it was"
    with store.read() as conn:
        assert logged.get(conn, MODEL).parameters == {"depth": "6"}


def test_a_name_that_is_none_is_told(store: Store, root: Path) -> None:
    model(root, "nonsense")
    (told,) = plant.told(plant.bring(store, root))
    assert "'nonsense' is no name of a logged model" in told
