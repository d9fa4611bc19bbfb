"""All that MLFLOW_TRACKING_URI tells a client, as JSON in the order of names; ids of experiments are left out."""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import mlflow
from mlflow import MlflowClient
from mlflow.entities import Run, ViewType

NEW = int(mlflow.__version__.partition(".")[0]) >= 3
client = MlflowClient()


def files(uri: str) -> dict[str, str]:
    """The hash of each file below a place."""
    root = Path(mlflow.artifacts.download_artifacts(uri))
    found = (each for each in root.rglob("*") if each.is_file())
    return {each.relative_to(root).as_posix(): hashlib.sha256(each.read_bytes()).hexdigest() for each in found}


def run(found: Run) -> dict[str, Any]:
    info, name = found.info, found.info.run_id
    whole = client.get_run(name)
    history = {key: client.get_metric_history(name, key) for key in found.data.metrics}
    data = [each.to_dictionary() for each in whole.inputs.dataset_inputs]
    made = [each.model_id for each in whole.outputs.model_outputs] if NEW and whole.outputs else []
    return {
        "name": info.run_name, "user": info.user_id, "status": info.status, "start": info.start_time,
        "end": info.end_time, "stage": info.lifecycle_stage, "params": found.data.params, "tags": found.data.tags,
        "metrics": {key: repr(value) for key, value in found.data.metrics.items()},
        "history": {
            key: sorted({(each.timestamp, each.step, repr(each.value)) for each in points})
            for key, points in history.items()
        },
        "inputs": data, "outputs": made, "files": files(f"runs:/{name}/") if client.list_artifacts(name) else {},
    }  # fmt: skip


def logged(experiment: str) -> dict[str, Any]:
    found = client.search_logged_models([experiment]) if NEW else []
    return {
        each.model_id: [
            each.name, each.model_type or "", str(each.status), each.source_run_id, each.creation_timestamp, each.tags,
            each.params, sorted((one.key, one.value, one.step, one.run_id) for one in each.metrics or []),
            files(f"models:/{each.model_id}"),
        ]
        for each in found
    }  # fmt: skip


def experiments() -> dict[str, Any]:
    found = {}
    for each in client.search_experiments(view_type=ViewType.ALL):
        runs = client.search_runs([each.experiment_id], run_view_type=ViewType.ALL, max_results=5000)
        found[each.name] = {
            "stage": each.lifecycle_stage, "tags": each.tags, "created": each.creation_time,
            "runs": {each.info.run_id: run(each) for each in runs}, "models": logged(each.experiment_id),
        }  # fmt: skip
    found.get("Default", {}).pop("created", None)  # each home has its own
    return found


def registry() -> dict[str, Any]:
    found = {}
    for model in client.search_registered_models():
        versions = client.search_model_versions(f"name = '{model.name}'")
        found[model.name] = [
            model.description or "", model.tags, dict(model.aliases), model.creation_timestamp,
            {
                each.version: [
                    each.run_id, each.current_stage, each.description or "", each.tags,
                    sorted(client.get_model_version(model.name, each.version).aliases),
                    each.creation_timestamp, each.last_updated_timestamp,
                    sorted(files(f"models:/{model.name}/{each.version}")),
                ]
                for each in versions
            },
        ]  # fmt: skip
    return found


json.dump({"experiments": experiments(), "registry": registry()}, sys.stdout, sort_keys=True, default=str)
