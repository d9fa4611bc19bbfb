"""Logged models over the protocol: what is sent, what comes back, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from argosy.store.tracking import changes
from argosy.store.tracking.changes import LOGGED
from tests.protocols.mlflow.conftest import NOW, Asker

MS = int(NOW.timestamp() * 1000)


def _create(ask: Asker, name: str = "m", **more: Any) -> str:
    made = ask.good("POST", "logged-models", {"experiment_id": "0", "name": name, **more})["model"]
    return str(made["info"]["model_id"])


def _run(ask: Asker) -> str:
    return str(ask.good("POST", "runs/create", {"experiment_id": "0"})["run"]["info"]["run_id"])


def _names(ask: Asker, **body: Any) -> list[str]:
    found = ask.good("POST", "logged-models/search", {"experiment_ids": ["0"], **body})
    return [each["info"]["name"] for each in found.get("models", [])]


def test_a_model_comes_back_as_it_was_logged(ask: Asker) -> None:
    pairs = [{"key": "a", "value": "1"}]
    run = _run(ask)
    model = _create(ask, model_type="tree", source_run_id=run, params=pairs, tags=pairs)
    for value in (0.5, "NaN"):
        ask.good("POST", "runs/log-metric", {
            "run_id": run, "key": "auc", "value": value, "timestamp": 5, "step": 1 if value == 0.5 else 2,
            "model_id": model, "dataset_name": "rows", "dataset_digest": "d1",
        })  # fmt: skip
    on = {"timestamp": 5, "dataset_name": "rows", "dataset_digest": "d1", "model_id": model, "run_id": run}
    assert ask.good("GET", f"logged-models/{model}") == {"model": {
        "info": {
            "model_id": model, "experiment_id": "0", "name": "m", "creation_timestamp_ms": MS + 1000,
            "last_updated_timestamp_ms": MS + 1000, "status": "LOGGED_MODEL_PENDING", "model_type": "tree",
            "artifact_uri": f"mlflow-artifacts:/0/models/{model}/artifacts", "source_run_id": run, "tags": pairs,
        },
        "data": {"params": pairs, "metrics": [
            {"key": "auc", "value": 0.5, "step": 1, **on}, {"key": "auc", "value": "NaN", "step": 2, **on},
        ]},
    }}  # fmt: skip


def test_metrics_of_a_batch_are_those_of_its_models(ask: Asker) -> None:
    run, model = _run(ask), _create(ask)
    metrics = [{"key": "a", "value": 1, "timestamp": 1, "model_id": model}, {"key": "b", "value": 2, "timestamp": 1}]
    ask.good("POST", "runs/log-batch", {"run_id": run, "metrics": metrics})
    found = ask.good("GET", f"logged-models/{model}")["model"]["data"]["metrics"]
    assert [(each["key"], each["value"], each["step"]) for each in found] == [("a", 1.0, 0)]


@pytest.mark.parametrize("status", ["LOGGED_MODEL_UPLOAD_FAILED", 3])
def test_a_status_is_a_name_or_a_number(ask: Asker, status: str | int) -> None:
    model = _create(ask)
    made = ask.good("PATCH", f"logged-models/{model}", {"model_id": model, "status": status})["model"]["info"]
    assert (made["status"], made["last_updated_timestamp_ms"]) == ("LOGGED_MODEL_UPLOAD_FAILED", MS + 1000)
    assert "parameter 'status'" in ask.refused("PATCH", f"logged-models/{model}", {"status": 9})
    assert "required parameter 'status'" in ask.refused("PATCH", f"logged-models/{model}", {})


def test_parameters_and_tags_change_and_it_is_told_who_did_it(ask: Asker) -> None:
    model = _create(ask)
    place = f"logged-models/{model}"
    ask.good("POST", f"{place}/params", {"params": [{"key": "a", "value": "x" * 6000}]})
    assert "not allowed" in ask.refused("POST", f"{place}/params", {"params": [{"key": "a", "value": "y"}]})
    ask.good("PATCH", f"{place}/tags", {"tags": [{"key": "t", "value": "1"}]})
    ask.good("PATCH", f"{place}/tags", {"tags": [{"key": "t", "value": "2"}, {"key": "t", "value": "3"}]})
    found = ask.good("GET", place)["model"]
    assert found["data"]["params"] == [{"key": "a", "value": "x" * 6000}]
    assert found["info"]["tags"] == [{"key": "t", "value": "3"}]
    ask.good("DELETE", f"{place}/tags/t")
    assert ask.refused("DELETE", f"{place}/tags/t").startswith("RESOURCE_DOES_NOT_EXIST")
    with ask.store.read() as conn:
        past = changes.of(conn, LOGGED, model)
    assert [(each.before, each.after) for each in past] == [("3", None), (None, "1"), ("1", "3")]
    assert {each.actor for each in past} == {"ann"}


def test_what_is_deleted_is_found_by_who_asks_for_what_is_deleted(ask: Asker) -> None:
    model = _create(ask)
    ask.good("DELETE", f"logged-models/{model}")
    ask.good("DELETE", f"logged-models/{model}")
    missing = f"RESOURCE_DOES_NOT_EXIST: Logged model with ID '{model}' not found"
    assert ask.refused("GET", f"logged-models/{model}").startswith(missing)
    assert ask.refused("PATCH", f"logged-models/{model}/tags", {"tags": []}).startswith(missing)
    assert ask.good("GET", f"logged-models/{model}", allow_deleted="true")["model"]["info"]["model_id"] == model
    assert _names(ask) == []


def test_what_cannot_be_is_refused(ask: Asker) -> None:
    assert "required parameter 'experiment_id'" in ask.refused("POST", "logged-models", {"name": "m"})
    assert ask.refused("POST", "logged-models", {"experiment_id": "9"}).startswith("RESOURCE_DOES_NOT_EXIST")
    for name in ("a/b", "a:b", "a.b", "a%b", "it's", "x" * 501):
        assert ask.refused("POST", "logged-models", {"experiment_id": "0", "name": name}).startswith("INVALID")
    model = _create(ask)
    assert "tags[0].key" in ask.refused("PATCH", f"logged-models/{model}/tags", {"tags": [{"value": "x"}]})
    metric = {"run_id": _run(ask), "key": "a", "value": 1, "timestamp": 1, "model_id": "m-0"}
    assert ask.refused("POST", "runs/log-metric", metric).startswith("RESOURCE_DOES_NOT_EXIST: Logged model")


def test_files_of_a_model_are_listed(ask: Asker) -> None:
    model = _create(ask)
    root = f"/api/2.0/mlflow-artifacts/artifacts/0/models/{model}/artifacts"
    ask.good("PUT", f"{root}/MLmodel", {})
    ask.good("PUT", f"{root}/data/x.json", {"a": 1})
    where = f"logged-models/{model}/artifacts/directories"
    uri = f"mlflow-artifacts:/0/models/{model}/artifacts"
    files = [{"path": "MLmodel", "is_dir": False, "file_size": 2}, {"path": "data", "is_dir": True}]
    assert ask.good("GET", where) == {"root_uri": uri, "files": files}
    below = [{"path": "data/x.json", "is_dir": False, "file_size": 8}]
    assert ask.good("GET", where, artifact_directory_path="data") == {"root_uri": uri, "files": below}
    assert "Invalid path" in ask.refused("GET", where, artifact_directory_path="../../../1")


def test_models_are_searched_in_the_order_and_on_the_datasets_that_are_asked_for(ask: Asker) -> None:
    run = _run(ask)
    for place, name in enumerate("abc"):
        point = {"run_id": run, "key": "my.auc", "value": place, "timestamp": 1, "model_id": _create(ask, name)}
        if place:
            ask.good("POST", "runs/log-metric", {**point, "dataset_name": "rows", "dataset_digest": str(place)})
    assert _names(ask) == ["c", "b", "a"]
    assert _names(ask, filter="metrics.my.auc >= 1", datasets=[{"dataset_name": "rows", "dataset_digest": "1"}]) == [
        "b"
    ]
    by = {"field_name": "metrics.my.auc", "ascending": False}
    assert _names(ask, order_by=[by, {"field_name": "name"}]) == ["c", "b", "a"]
    assert _names(ask, order_by=[{**by, "dataset_name": "rows", "dataset_digest": "1"}]) == ["b", "c", "a"]
    assert _names(ask, order_by=[{"field_name": "creation_time"}]) == ["a", "b", "c"]
    body = {"experiment_ids": ["0"], "max_results": 2}
    first = ask.good("POST", "logged-models/search", body)
    rest = ask.good("POST", "logged-models/search", {**body, "page_token": first["next_page_token"]})
    assert ([each["info"]["name"] for each in rest["models"]], "next_page_token" in rest) == (["a"], False)


@pytest.mark.parametrize(("body", "told"), [
    ({"filter": "nothing = 'x'"}, "nothing"), ({"order_by": [{"field_name": "params.x"}]}, "order by field name"),
    ({"order_by": [{}]}, "order_by.field_name"), ({"datasets": [{"dataset_digest": "x"}]}, "`dataset_name` in the"),
    ({"max_results": -1}, "max_results"), ({"page_token": "x"}, "page token"), ({"experiment_ids": ["x"]}, "ID 'x'"),
])  # fmt: skip
def test_a_search_that_cannot_be_is_refused(ask: Asker, body: dict[str, Any], told: str) -> None:
    answer = ask.refused("POST", "logged-models/search", {"experiment_ids": ["0"], **body})
    assert answer.startswith("INVALID_PARAMETER_VALUE") and told in answer
