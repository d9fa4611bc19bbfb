"""A version of a member is an MLflow package that scores as Argosy does, or none at all."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from lightgbm import Booster, LGBMClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from argosy.errors import UsageError
from argosy.model.export import export
from argosy.model.format import load
from argosy.model.matrix import Matrix
from argosy.model.signature import Feature, Signature
from argosy.store import Store, aliases, artifacts, executions, members, versions
from argosy.store.tracking import files
from argosy.store.tracking.changes import Hand
from argosy.testing import sample
from argosy.testing.sample import moment
from tests.protocols.mlflow.conftest import Asker
from tests.server.harbour import Harbour

ROOT = "/api/2.0/mlflow-artifacts/artifacts"
NUMBERS = (Feature("distance", "number"), Feature("hour", "number"), Feature("holiday", "boolean"))
LINEAR = make_pipeline(SimpleImputer(), LogisticRegression())
TREES = LGBMClassifier(n_estimators=12, num_leaves=7, min_child_samples=5, verbose=-1, n_jobs=1)


def rows() -> Matrix:
    """Rows of the three features."""
    rng = np.random.default_rng(7)
    matrix = rng.normal(size=(200, 3))
    matrix[:, 2] = rng.integers(0, 2, 200)
    return matrix


def land(store: Store, estimator: Any, features: tuple[Feature, ...] = NUMBERS) -> bytes:
    """Train a version of a member on the rows and have it answer; the bytes of its model."""
    matrix = rows()
    signature = Signature(features, "binary", "late")
    estimator.fit(matrix, matrix[:, 0] + matrix[:, 2] > 0.5)
    format, data = export(estimator, signature, matrix[:10])
    kept = [(store.blobs.put(each), kind, each) for kind, each in (("model", data), ("signature", signature.to_json()))]
    with store.write() as tx:
        (member,) = members.ensure(tx, "late", ["JFK/AA"], moment()).values()
        artifacts.add(tx, [
            artifacts.Artifact(digest=digest, kind=kind, bytes=len(each), at=moment()) for digest, kind, each in kept
        ])  # fmt: skip
        (run,) = executions.record(tx, [sample.attempt(member, f"late/JFK/AA/{format}")])
        new = versions.NewVersion(
            fleet="late", member_id=member, key="k", artifact=kept[0][0], format=format, execution_id=run, at=moment(),
            rows=200, signature=kept[1][0],
        )  # fmt: skip
        (made,) = versions.add(tx, [new])
        aliases.move(tx, [sample.promote(made)])
    return data


def _get(ask: Asker, name: str) -> bytes:
    status, found = ask("GET", f"{ROOT}/versions/1/{name}")
    assert status == 200
    return found if isinstance(found, bytes) else json.dumps(found).encode()


def _listed(ask: Asker, folder: str) -> Any:
    status, found = ask.send("GET", ROOT, b"", {"path": folder})
    assert status == 200
    return found


def test_a_package_of_trees_is_the_model_as_it_is_stored(ask: Asker) -> None:
    data = land(ask.store, TREES)
    listed = _listed(ask, "versions/1")["files"]
    assert [each["path"] for each in listed] == ["MLmodel", "model.lgb", "python_env.yaml", "requirements.txt"]
    assert all(len(_get(ask, each["path"])) == each["file_size"] for each in listed)
    assert _get(ask, "model.lgb") == data
    described = yaml.safe_load(_get(ask, "MLmodel"))
    assert described["flavors"]["python_function"]["loader_module"] == "mlflow.lightgbm"
    assert described["metadata"] == {"argosy.version": "late/JFK/AA@1", "argosy.label": "late", "argosy.task": "binary"}
    assert [(each["name"], each["type"]) for each in json.loads(described["signature"]["inputs"])] == [
        ("distance", "double"), ("hour", "double"), ("holiday", "boolean"),
    ]  # fmt: skip
    assert "lightgbm==" in _get(ask, "requirements.txt").decode()
    found = Booster(model_str=_get(ask, "model.lgb").decode()).predict(rows())
    assert np.array_equal(found, load("lightgbm", data).predict(rows()))


def test_a_package_of_a_graph_answers_one_value_a_row(ask: Asker) -> None:
    data = land(ask.store, LINEAR)
    found = load("onnx", _get(ask, "model.onnx")).predict(rows())
    assert np.array_equal(found, load("onnx", data).predict(rows()))
    described = yaml.safe_load(_get(ask, "MLmodel"))
    assert described["flavors"]["onnx"]["providers"] == ["CPUExecutionProvider"]
    assert {each["type"] for each in json.loads(described["signature"]["inputs"])} == {"double"}
    assert [each["path"] for each in _listed(ask, "versions/1")["files"]][1] == "model.onnx"


def test_a_version_that_takes_categories_is_in_no_package(ask: Asker) -> None:
    land(ask.store, TREES, (*NUMBERS[:2], Feature("carrier", "category", ("AA", "DL"))))
    said = "late/JFK/AA@1 is in no MLflow package: it takes categories as codes that Argosy gives out (carrier)"
    status, told = ask.send("GET", ROOT, b"", {"path": "versions/1"})
    assert status == 400 and said in told["message"]
    assert said in ask.refused("GET", f"{ROOT}/versions/1/model.lgb")


@pytest.mark.parametrize(
    "path", ["versions/2/MLmodel", "versions/1/none", "versions/1/MLmodel/x", "versions/x", "versions"]
)
def test_what_is_in_no_package_is_not_there(ask: Asker, path: str) -> None:
    land(ask.store, TREES)
    assert "RESOURCE_DOES_NOT_EXIST" in ask.refused("GET", f"{ROOT}/{path}")
    assert _listed(ask, "versions") == _listed(ask, "versions/2") == {}


def test_nothing_is_put_into_a_package_nor_taken_out_of_it(ask: Asker) -> None:
    land(ask.store, TREES)
    for method in ("PUT", "DELETE"):
        status, told = ask.send(method, f"{ROOT}/versions/1/MLmodel", b"x", {})
        assert status == 400 and "is not for" in told["message"]
    with ask.store.write() as tx, pytest.raises(UsageError, match="is of a member's version"):
        files.put(tx, "versions/1/MLmodel", sample.digest("x"), 1, Hand("ann", moment()), b"x")
    assert b"flavors" in _get(ask, "MLmodel")


SCORE = """
import sys, mlflow, numpy, pandas
model = mlflow.pyfunc.load_model("models:/late%2FJFK%2FAA@champion")
rows = numpy.load(sys.argv[1])
frame = pandas.DataFrame({"hour": rows[:, 1], "holiday": rows[:, 2].astype(bool), "distance": rows[:, 0]})
numpy.save(sys.argv[2], numpy.asarray(model.predict(frame), dtype=float))
"""


@pytest.mark.slow
@pytest.mark.parametrize("release", ["mlflow2", "mlflow317", "mlflow318"])
def test_clients_load_the_champion_and_score_as_argosy_does(
    harbour: Harbour, apart: Callable[[str], Path], tmp_path: Path, release: str
) -> None:
    with harbour.store.read() as conn:
        known = versions.find(conn, "late", "JFK/AA")
    data = land(harbour.store, TREES) if known is None else harbour.store.blobs.get(known.artifact)
    np.save(tmp_path / "rows.npy", rows())
    given = {"MLFLOW_TRACKING_URI": harbour.url, "MLFLOW_TRACKING_TOKEN": harbour.token, "HOME": str(tmp_path)}
    asked = [apart(release) / "bin" / "python", "-c", SCORE, tmp_path / "rows.npy", tmp_path / "scores.npy"]
    done = subprocess.run(asked, env=given, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]
    assert np.array_equal(np.load(tmp_path / "scores.npy"), load("lightgbm", data).predict(rows()))
