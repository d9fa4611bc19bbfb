"""Fills what MLFLOW_TRACKING_URI names with what a team leaves behind in a year, by MLflow's own client."""

from __future__ import annotations

import math
import sys
import tempfile
import time
from pathlib import Path

import mlflow
from mlflow import MlflowClient
from mlflow.data.numpy_dataset import from_numpy
from mlflow.entities import Metric, Param, RunTag
from mlflow.pyfunc import PythonModel

NEW = int(mlflow.__version__.partition(".")[0]) >= 3
RUNS = int(sys.argv[1]) if len(sys.argv) > 1 else 3


class Nothing(PythonModel):
    def predict(self, context, model_input, params=None):
        return model_input


def long_run(client: MlflowClient) -> str:
    """A run with nested ones, a metric of 3,000 points, odd keys and values, files in folders, and a dataset."""
    import numpy

    mlflow.set_experiment("flights/2013 ✓")
    client.set_experiment_tag(mlflow.get_experiment_by_name("flights/2013 ✓").experiment_id, "owner", "ops")
    with mlflow.start_run(run_name="outer", description="the first") as outer:
        mlflow.log_params({"depth": 6, "empty": "", "long": "x" * 500, "lines": "a\nb\n", "group/key": "größe ✓"})
        run, now = outer.info.run_id, int(time.time() * 1000)
        for start in range(0, 3000, 1000):
            points = [Metric("loss", math.sin(n), now + n, n) for n in range(start, start + 1000)]
            client.log_batch(run, points, [Param(f"p{start}", "1")], [RunTag(f"t{start}", "é\n2")])
        odd = [Metric("odd/nan", math.nan, now, 1), Metric("odd/large", 1e300, now, -3), Metric("twice", 1.0, now, 5)]
        client.log_batch(run, [*odd, Metric("twice", 2.0, now, 5), Metric("twice", 9.0, now, 4)])
        mlflow.log_input(from_numpy(numpy.arange(6), name="rows"), context="training", tags={"part": "a"})
        with tempfile.TemporaryDirectory() as scratch:
            root = Path(scratch)
            (root / "deep" / "er").mkdir(parents=True)
            (root / "a b+1.txt").write_text("hello")
            (root / "empty.bin").write_bytes(b"")
            (root / "deep" / "er" / "large.bin").write_bytes(bytes(range(256)) * 4096)
            mlflow.log_artifacts(scratch, "out put")
        for name in ("inner 1", "inner 2"):
            with mlflow.start_run(run_name=name, nested=True):
                mlflow.log_metric("auc", 0.5)
    return run


def others(client: MlflowClient) -> None:
    """Many small runs; one that failed, one that is at work, a deleted one, and a deleted experiment."""
    mlflow.set_experiment("many")
    for number in range(RUNS):
        with mlflow.start_run(run_name=f"run {number}"):
            mlflow.log_metric("score", number / 7)
            mlflow.log_param("n", number)
            mlflow.log_text(f"text of {number}", "notes/text.txt")
    many = mlflow.get_experiment_by_name("many").experiment_id
    client.set_terminated(client.create_run(many, run_name="failed").info.run_id, "FAILED")
    client.create_run(many, run_name="at work")
    client.delete_run(client.create_run(many, run_name="deleted").info.run_id)
    gone = client.create_experiment("gone", tags={"why": "wrong data"})
    client.log_metric(client.create_run(gone, run_name="of gone").info.run_id, "x", 1.0)
    client.delete_experiment(gone)


def registry(client: MlflowClient) -> None:
    """A model of three versions, the second of which was deleted; aliases, stages, tags, descriptions."""
    mlflow.set_experiment("flights/2013 ✓")
    for number in (1, 2, 3):
        with mlflow.start_run(run_name=f"model {number}"):
            mlflow.log_metric("auc", number / 4)
            given = {"name": "model"} if NEW else {"artifact_path": "model"}
            mlflow.pyfunc.log_model(python_model=Nothing(), registered_model_name="late", pip_requirements=[], **given)
    client.update_registered_model("late", "flights that are late")
    client.set_registered_model_tag("late", "team", "ops")
    client.update_model_version("late", "1", "the first")
    client.set_model_version_tag("late", "1", "checked", "yes")
    client.set_registered_model_alias("late", "champion", "1")
    client.set_registered_model_alias("late", "challenger", "3")
    client.transition_model_version_stage("late", "3", "Production")
    client.delete_model_version("late", "2")
    client.create_registered_model("empty")
    if NEW:
        (made,) = mlflow.search_logged_models(filter_string="name = 'model'", max_results=1, output_format="list")
        client.set_logged_model_tags(made.model_id, {"kind": "none"})


client = MlflowClient()
long_run(client)
others(client)
registry(client)
