"""Artifacts: from below the directories that were named alone, each whole, none in another's place."""

from __future__ import annotations

import hashlib
from pathlib import Path

from argosy.protocols.mlflow.importing.report import FILE, RUN
from argosy.store import Store
from argosy.store.tracking import experiments, files
from argosy.store.tracking.changes import Hand
from tests.protocols.mlflow.importing import plant
from tests.protocols.mlflow.importing.plant import NOW

SECRET = "secret"


def held(store: Store) -> dict[str, bytes]:
    with store.read() as conn:
        found = files.below(conn, f"1/{plant.RUN}/artifacts")
        return {path.rpartition("/artifacts/")[2]: files.get(conn, path).data or b"" for path in found}


def test_no_link_and_no_address_leads_out_of_the_folder(store: Store, root: Path, tmp_path: Path) -> None:
    (tmp_path / "private").mkdir()
    (tmp_path / "private" / "key").write_text(SECRET)
    place = plant.run(plant.experiment(root))
    (place / "artifacts" / "file").symlink_to(tmp_path / "private" / "key")
    (place / "artifacts" / "folder").symlink_to(tmp_path / "private")
    report = plant.bring(store, root)
    (told,) = plant.told(report)
    assert f"{plant.RUN}/file" in told and "is a link out of where it lies" in told
    assert held(store) == {"notes/a.txt": b"hello"}
    for number, uri in enumerate((f"file://{tmp_path}/private", f"{root}/../private", f"{tmp_path}/private")):
        name = f"{number}" + "c" * 31
        plant.run(plant.experiment(root, "2", "links"), name, artifact_uri=uri)
        (root / "2" / name / "artifacts" / "notes" / "a.txt").unlink()
    plant.bring(store, root)
    with store.read() as conn:
        assert files.below(conn, "2") == {}


def test_artifacts_in_a_directory_that_is_named_come(store: Store, root: Path, tmp_path: Path) -> None:
    outside = tmp_path / "shared"
    (outside / "x").mkdir(parents=True)
    (outside / "x" / "large").write_bytes(b"x" * 3_000_000)
    place = plant.run(plant.experiment(root), artifact_uri=(outside / "x").as_uri())
    (place / "artifacts" / "notes" / "a.txt").unlink()
    (place / "artifacts" / "notes").rmdir()
    (place / "artifacts").rmdir()
    (told,) = plant.told(plant.bring(store, root))
    assert "below none of the directories that may be read" in told
    report = plant.bring(store, root, outside)
    assert plant.told(report) == [] and report.bytes == 3_000_000 and report.tallies[RUN].there == 1
    with store.read() as conn:
        found = files.below(conn, f"1/{plant.RUN}/artifacts")
    assert list(found.values()) == [(hashlib.sha256(b"x" * 3_000_000).hexdigest(), 3_000_000)]


def test_an_object_store_stays_where_it_is(store: Store, root: Path) -> None:
    location = "s3://bucket/mlflow/1"
    plant.run(plant.experiment(root, artifact_location=location), artifact_uri=f"{location}/{plant.RUN}/artifacts")
    report = plant.bring(store, root)
    assert plant.told(report) == [] and report.kept == {location: 1} and report.tallies[FILE].found == 0
    with store.read() as conn:
        found = experiments.find(conn, "trees")
    assert found is not None and found.location == location


def test_an_object_store_where_this_home_does_not_look_is_told(store: Store, root: Path) -> None:
    with store.write() as tx:
        experiments.create(tx, "trees", Hand("ann", NOW))
    plant.run(plant.experiment(root), artifact_uri=f"s3://bucket/{plant.RUN}/artifacts")
    (told,) = plant.told(plant.bring(store, root))
    assert f"artifacts stay at s3://bucket/{plant.RUN}/artifacts, where this home does not look" in told


def test_a_path_that_is_none_here_is_told_and_the_others_come(store: Store, root: Path) -> None:
    place = plant.run(plant.experiment(root))
    (place / "artifacts" / "a%2e%2e").write_text("x")
    (told,) = plant.told(plant.bring(store, root))
    assert "names no artifact" in told and held(store) == {"notes/a.txt": b"hello"}
