"""Experiments over the protocol: made, found, renamed, tagged, deleted and restored, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from tests.protocols.mlflow.conftest import NOW, Asker

MS = int(NOW.timestamp() * 1000)


def _create(ask: Asker, name: str = "mine", **more: Any) -> str:
    return str(ask.good("POST", "experiments/create", {"name": name, **more})["experiment_id"])


def test_an_experiment_comes_back_as_it_was_made(ask: Asker) -> None:
    tags = [{"key": "team", "value": "red"}]
    id = _create(ask, tags=tags, artifact_location="s3://bucket/x/")
    found = {
        "experiment_id": id, "name": "mine", "artifact_location": "s3://bucket/x/", "lifecycle_stage": "active",
        "creation_time": MS, "last_update_time": MS, "tags": tags,
    }  # fmt: skip
    assert ask.good("GET", "experiments/get", experiment_id=id) == {"experiment": found}
    assert ask.good("GET", "experiments/get-by-name", experiment_name="mine") == {"experiment": found}
    run = ask.good("POST", "runs/create", {"experiment_id": id})["run"]["info"]
    assert run["artifact_uri"] == f"s3://bucket/x/{run['run_id']}/artifacts"
    assert "already exists" in ask.refused("POST", "experiments/create", {"name": "mine"})


def test_a_name_is_free_once_its_experiment_is_deleted(ask: Asker) -> None:
    first, run = _create(ask), {"run_name": "r"}
    name = ask.good("POST", "runs/create", {"experiment_id": first, **run})["run"]["info"]["run_id"]
    ask.good("POST", "experiments/delete", {"experiment_id": first})
    missing = ask.refused("GET", "experiments/get-by-name", experiment_name="mine")
    assert missing.startswith("RESOURCE_DOES_NOT_EXIST: Could not find experiment")
    assert ask.good("GET", "runs/get", run_id=name)["run"]["info"]["lifecycle_stage"] == "deleted"
    second = _create(ask)
    assert "already exists" in ask.refused("POST", "experiments/restore", {"experiment_id": first})
    ask.good("POST", "experiments/update", {"experiment_id": second, "new_name": "other"})
    ask.good("POST", "experiments/restore", {"experiment_id": first})
    assert ask.good("GET", "runs/get", run_id=name)["run"]["info"]["lifecycle_stage"] == "active"


@pytest.mark.parametrize(("view", "names"), [
    (None, {"a", "Default"}), ("DELETED_ONLY", {"b"}), (3, {"a", "b", "Default"}), ("2", {"b"}),
])  # fmt: skip
def test_a_view_is_a_name_or_a_number(ask: Asker, view: str | int | None, names: set[str]) -> None:
    _create(ask, "a")
    ask.good("POST", "experiments/delete", {"experiment_id": _create(ask, "b")})
    found = ask.good("POST", "experiments/search", {"max_results": 9, "view_type": view})["experiments"]
    assert {each["name"] for each in found} == names
    if isinstance(view, str):
        found = ask.good("GET", "experiments/search", max_results=9, view_type=view)["experiments"]
        assert {each["name"] for each in found} == names


@pytest.mark.parametrize(("method", "path", "given", "told"), [
    ("POST", "create", {"name": " "}, "Invalid experiment name: ' '"),
    ("POST", "update", {"experiment_id": "0", "new_name": "\t"}, "Invalid experiment name: '\\t'"),
    ("POST", "create", {"name": "x" * 501}, "maximum length of 500"),
    ("POST", "create", {"name": "x", "artifact_location": "runs:/x"}, "parameter 'artifact_location'"),
    ("POST", "create", {"name": "x", "artifact_location": "s3://b/x#y"}, "parameter 'artifact_location'"),
    ("POST", "create", {"name": "x", "artifact_location": "s3://b/../x"}, "parameter 'artifact_location'"),
    ("POST", "search", {"view_type": "SOME"}, "parameter 'view_type'"),
    ("GET", "get", {"experiment_id": "x"}, "must be a valid integer"),
    ("GET", "get", {"experiment_id": "--1"}, "must be a valid integer"),
    ("GET", "get", {"experiment_id": "9" * 19}, "must be a valid integer"),
])  # fmt: skip
def test_what_cannot_be_is_refused(ask: Asker, method: str, path: str, given: dict[str, Any], told: str) -> None:
    query = given if method == "GET" else {}
    answer = ask.refused(method, f"experiments/{path}", None if query else given, **query)
    assert answer.startswith("INVALID_PARAMETER_VALUE") and told in answer


def test_an_experiment_that_is_not_is_said_to_be_none(ask: Asker) -> None:
    for id in ("-1", "77"):
        assert ask.refused("GET", "experiments/get", experiment_id=id).startswith("RESOURCE_DOES_NOT_EXIST")
        assert ask.refused("POST", "experiments/delete", {"experiment_id": id}).startswith("RESOURCE_DOES_NOT_EXIST")
