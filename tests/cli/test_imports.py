"""argosy import: what it prints, what it leaves out, and how it ends."""

from __future__ import annotations

from pathlib import Path

from tests.protocols.mlflow.importing import plant


def folder(tmp_path: Path) -> Path:
    root = tmp_path / "mlruns"
    plant.run(plant.experiment(root, "77"))
    plant.run(plant.experiment(root, "78", "other"), plant.OTHER)
    return root


def test_a_folder_is_counted_then_brought_then_there(run, tmp_path: Path, home: Path) -> None:
    root, place = folder(tmp_path), home / "new"
    dry = run("import", "mlflow", "--from", root, "--home", place, "--dry-run")
    assert dry.code == 0 and not place.exists()
    assert ["runs", "2", "0", "0", "0"] in [line.split() for line in dry.out.splitlines()]
    first = run("import", "mlflow", "--from", root, "--home", place)
    lines = [line.split() for line in first.out.splitlines()]
    assert first.code == 0 and ["runs", "2", "2", "0", "0"] in lines and ["artifacts", "2", "2", "0", "0"] in lines
    assert ["trees", "77", "1"] in lines and ["other", "78", "2"] in lines
    again = run("import", "mlflow", "--from", root, "--home", place, "--json").json()
    assert again["kinds"]["runs"] == {"found": 2, "brought": 0, "there": 2, "failed": 0}
    assert again["failures"] == [] and [each["made"] for each in again["experiments"]] == [False, False]
    assert {
        item["name"] for item in run("runs", "--experiment", "trees", "--home", place, "--json").json()["items"]
    } == {"oak"}
    assert "imported" in run("history", "run", plant.RUN, "--home", place).out


def test_experiments_alone_and_without_artifacts(run, tmp_path: Path, home: Path) -> None:
    given = ("import", "mlflow", "--from", folder(tmp_path), "--home", home / "new", "--experiments", "other")
    first = run(*given, "--no-artifacts")
    assert first.code == 0 and "artifacts" not in first.out and "artifacts were left out" in first.err
    assert run(*given, "--json").json()["kinds"]["artifacts"]["brought"] == 1
    none = run(*given, "--experiments", "none")
    assert none.code == 2 and "has no experiment 'none'" in none.err


def test_what_failed_is_told_and_the_rest_is_here(run, tmp_path: Path, home: Path) -> None:
    root = folder(tmp_path)
    (root / "77" / plant.RUN / "meta.yaml").write_text("[")
    shown = run("import", "mlflow", "--from", root, "--home", home / "new")
    assert shown.code == 1 and f"failed: runs: 77/{plant.RUN}: it cannot be read" in shown.err
    assert ["runs", "2", "1", "0", "1"] in [line.split() for line in shown.out.splitlines()]


def test_what_is_no_source_is_a_mistake(run, tmp_path: Path, home: Path) -> None:
    for given, says in ((tmp_path / "none", "there is no folder"), ("ftp://x/y", "is no address of a server")):
        wrong = run("import", "mlflow", "--from", given, "--home", home / "new")
        assert wrong.code == 2 and says in wrong.err and not (home / "new").exists()
    assert run("import", "other", "--from", tmp_path).code == 2
