"""What a client's run leaves to be done by hand."""

from __future__ import annotations

from pathlib import Path

from argosy.controller.reproduce import manual
from argosy.controller.reproduce.manual import Manual
from argosy.store import Store
from argosy.store.models import logged
from argosy.store.tracking import experiments, files, runs, texts
from tests.cli.tracks import HAND, NOW

REPOSITORY, COMMIT = "https://example.org/trains.git", "c" * 40


def of(home: Path, tags: dict[str, str], parameters: dict[str, str], beside: str = "", model: str = "") -> Manual:
    """Of a run with some tags, and a file beside it or in the model that it logged."""
    with Store.open(home) as store, store.write() as tx:
        experiment = experiments.create(tx, "trains", HAND)
        run = runs.create(tx, experiment, "express", NOW, HAND, tags=tags)
        texts.put(tx, texts.PARAMETER, run.id, experiment, parameters, HAND)
        digest = store.blobs.put(b"lightgbm==4.6.0\n")
        if beside:
            files.put(tx, f"{experiment}/{run.run}/artifacts/{beside}", digest, 16, HAND)
        if model:
            made = logged.create(tx, experiment, "tree", HAND, run=run.run)
            logged.flow(tx, run.id, logged.OUT, [(made.model, 0)])
            files.put(tx, f"{experiment}/models/{made.model}/artifacts/{model}", digest, 16, HAND)
        return manual.of(tx, run)


def test_code_commit_and_libraries_make_commands(home: Path) -> None:
    tags = {
        "mlflow.source.name": "train it.py", "mlflow.source.git.commit": COMMIT,
        "mlflow.source.git.repoURL": REPOSITORY,
    }  # fmt: skip
    found = of(home, tags, {"depth": "3"}, beside="model/requirements.txt")
    place = f"mlflow-artifacts:/1/{found.run}/artifacts/model/requirements.txt"
    assert found.missing == [] and found.parameters == {"depth": "3"}
    assert found.commands == [
        f"git clone {REPOSITORY} again",
        "cd again",
        f"git checkout {COMMIT}",
        f"mlflow artifacts download --artifact-uri {place} --dst-path .",
        "uv run --no-project --with-requirements requirements.txt python 'train it.py'",
    ]


def test_an_entry_point_is_run_with_the_parameters(home: Path) -> None:
    tags = {"mlflow.source.git.repoURL": REPOSITORY, "mlflow.project.entryPoint": "main"}
    found = of(home, tags, {"depth": "3; rm -r x"})
    assert found.commands[-1] == "mlflow run . -e main -P 'depth=3; rm -r x'"


def test_what_is_missing_is_named(home: Path) -> None:
    found = of(home, {}, {})
    assert len(found.missing) == 3 and found.commands == [] and found.recorded == {}


def test_libraries_beside_a_logged_model_are_found(home: Path) -> None:
    found = of(home, {"mlflow.source.name": "train.py"}, {}, model="requirements.txt")
    assert found.recorded["environment"] == "requirements.txt"
    assert found.commands[0].startswith("mlflow artifacts download --artifact-uri mlflow-artifacts:/1/models/m-")
