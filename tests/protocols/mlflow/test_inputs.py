"""Datasets and models that runs read and made, over the protocol."""

from __future__ import annotations

from typing import Any

import pytest

from tests.protocols.mlflow.conftest import Asker

DATA = {"name": "rows", "digest": "d1", "source_type": "local", "source": "{}"}


@pytest.fixture
def run(ask: Asker) -> str:
    return str(ask.good("POST", "runs/create", {"experiment_id": "0"})["run"]["info"]["run_id"])


def test_what_a_run_reads_is_known_once(ask: Asker, run: str) -> None:
    read = {"dataset": DATA, "tags": [{"key": "mlflow.data.context", "value": "training"}]}
    for _ in range(2):
        ask.good("POST", "runs/log-inputs", {"run_id": run, "datasets": [read]})
    assert ask.good("GET", "runs/get", run_id=run)["run"]["inputs"] == {"dataset_inputs": [read]}
    told = ask.good("POST", "experiments/search-datasets", {"experiment_ids": ["0"]})["dataset_summaries"]
    assert told == [{"experiment_id": "0", "name": "rows", "digest": "d1", "context": "training"}]


def test_models_go_in_and_come_out(ask: Asker, run: str) -> None:
    model = ask.good("POST", "logged-models", {"experiment_id": "0"})["model"]["info"]["model_id"]
    for _ in range(2):
        ask.good("POST", "runs/outputs", {"run_id": run, "models": [{"model_id": model, "step": "4"}]})
    ask.good("POST", "runs/log-inputs", {"run_id": run, "models": [{"model_id": model}]})
    found = ask.good("GET", "runs/get", run_id=run)["run"]
    assert found["outputs"] == {"model_outputs": [{"model_id": model, "step": 4}]}
    assert found["inputs"] == {"model_inputs": [{"model_id": model}]}


@pytest.mark.parametrize(("path", "given", "told"), [
    ("log-inputs", {"datasets": [{}]}, "required parameter 'datasets[0].dataset'"),
    ("log-inputs", {"datasets": [{"dataset": {**DATA, "digest": ""}}]}, "parameter 'datasets[0].dataset.digest'"),
    ("log-inputs", {"datasets": [{"dataset": {**DATA, "digest": "x" * 37}}]}, "maximum length of 36"),
    ("log-inputs", {"models": [{}]}, "required parameter 'models.model_id'"),
    ("outputs", {}, "required parameter 'models'"),
    ("outputs", {"models": [{"model_id": "m-1", "step": 2**63}]}, "parameter 'step'"),
])  # fmt: skip
def test_what_cannot_be_is_refused(ask: Asker, run: str, path: str, given: dict[str, Any], told: str) -> None:
    answer = ask.refused("POST", f"runs/{path}", {"run_id": run, **given})
    assert answer.startswith("INVALID_PARAMETER_VALUE") and told in answer
