"""A folder mlruns as it is read: pages, old forms, and what is no run."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from argosy.errors import InputError, UnknownError
from argosy.protocols.mlflow.importing.disk import Disk
from argosy.protocols.mlflow.importing.folder import Folder
from argosy.protocols.mlflow.importing.source import Broken, Experiment, Run
from argosy.store.tracking.metrics import Point
from tests.protocols.mlflow.importing import plant

TREES = Experiment("1", "trees", "", 0, 0, False, {})


def folder(root: Path) -> Folder:
    return Folder(root, Disk([root]))


def only(root: Path) -> Run:
    ((run,),) = folder(root).runs(TREES)
    assert isinstance(run, Run)
    return run


def test_a_folder_must_be_there_and_hold_experiments(tmp_path: Path) -> None:
    with pytest.raises(UnknownError, match="there is no folder"):
        folder(tmp_path / "none")
    with pytest.raises(InputError, match="holds no experiments"):
        folder(tmp_path)


def test_experiments_and_those_in_the_trash(root: Path) -> None:
    plant.write(plant.experiment(root, creation_time=5), {"tags/a/b": "c\n"}, name="trees", creation_time=5)
    plant.experiment(root / ".trash", "2", "gone")
    plant.write(root / "3", {}, nothing="")
    plant.model(root)
    (page,) = folder(root).experiments()
    assert page[0] == Experiment("1", "trees", "", 5, 0, False, {"a/b": "c\n"})
    assert isinstance(page[1], Broken) and page[1].name == "3"
    assert isinstance(page[2], Experiment) and (page[2].name, page[2].deleted) == ("gone", True)


def test_runs_come_in_pages_and_what_is_beside_them_is_none(root: Path) -> None:
    place = plant.experiment(root)
    for number in range(150):
        plant.run(place, f"{number:032x}")
    for name in ("tags", "datasets", "traces", "models"):
        (place / name).mkdir()
    (place / "file").write_text("")
    assert [len(page) for page in folder(root).runs(TREES)] == [100, 50]


def test_values_are_read_as_they_lie_there(root: Path) -> None:
    place = plant.run(plant.experiment(root), run_name="", status="KILLED", end_time=None)
    for name, text in {"params/a/b": "", "params/lines": "x\ny\n", "tags/mlflow.runName": "elm", "tags/ü": "✓"}.items():
        (place / name).parent.mkdir(exist_ok=True)
        (place / name).write_text(text)
    (place / "metrics" / "old").write_text("7000 1e300\n")
    (place / "metrics" / "data").write_text("7000 1 4 flights of 2013 1f\n")
    run = only(root)
    assert (run.name, run.status, run.ended_at) == ("elm", "cancelled", None)
    assert run.parameters == {"depth": "6", "a/b": "", "lines": "x\ny\n"}
    assert run.tags == {"team": "ops", "mlflow.runName": "elm", "ü": "✓"}
    assert list(folder(root).points(TREES, run, "old")) == [[Point("old", 1e300, 0, 7000)]]
    assert list(folder(root).points(TREES, run, "data")) == [[Point("data", 1.0, 4, 7000)]]
    assert run.last["auc"] == (0.75, 2, 3000)


def test_names_that_are_lists_of_lists_are_not_spelt_out(root: Path) -> None:
    place = plant.experiment(root)
    lines = ["a0: &a0 [x]", *(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)), "name: *a11"]
    (place / "meta.yaml").write_text("\n".join(lines))
    ((broken,),) = folder(root).experiments()
    assert isinstance(broken, Broken) and "name" in broken.reason


@pytest.mark.parametrize("name", ["params/key", "tags/key", "metrics/key"])
def test_a_pipe_holds_nobody_up(root: Path, name: str) -> None:
    place = plant.run(plant.experiment(root))
    (place / name).parent.mkdir(exist_ok=True)
    os.mkfifo(place / name)
    ((broken,),) = folder(root).runs(TREES)
    assert isinstance(broken, Broken) and "is no file" in broken.reason


def test_a_link_out_of_the_folder_is_not_read(root: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    place = plant.run(plant.experiment(root))
    (place / "params" / "key").symlink_to(tmp_path / "secret")
    ((broken,),) = folder(root).runs(TREES)
    assert isinstance(broken, Broken) and "is a link out of" in broken.reason
    plant.run(plant.experiment(tmp_path / "other"), plant.OTHER)
    (root / "1" / plant.OTHER).symlink_to(tmp_path / "other" / "1" / plant.OTHER)
    ((broken,),) = folder(root).runs(TREES)


def test_artifacts_lie_beside_a_run_that_says_nothing_of_them(root: Path) -> None:
    place = plant.experiment(root)
    for name, uri in ((plant.RUN, ""), (plant.OTHER, "file:///gone/1/artifacts")):
        plant.run(place, name, artifact_uri=uri)
        assert [each.path for each in folder(root).files(uri, ("1", name, "artifacts"))] == ["notes/a.txt"]
    assert list(folder(root).files("", ("1", "none", "artifacts"))) == []
