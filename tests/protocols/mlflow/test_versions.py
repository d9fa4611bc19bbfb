"""Versions of registered models over the protocol: added, found, described, moved, tagged, deleted."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from argosy.store.models import registered, versions
from argosy.store.tracking import changes
from argosy.store.tracking.changes import VERSION
from tests.protocols.mlflow.conftest import NOW, Asker

MS = int(NOW.timestamp() * 1000)


@pytest.fixture
def model(ask: Asker) -> Asker:
    """A registered model "m" without versions."""
    ask.good("POST", "registered-models/create", {"name": "m"})
    return ask


def _create(ask: Asker, **more: Any) -> Any:
    body = {"name": "m", "source": "s3://a/b", **more}
    return ask.good("POST", "model-versions/create", body)["model_version"]


def _get(ask: Asker, version: str) -> Any:
    return ask.good("GET", "model-versions/get", name="m", version=version)["model_version"]


def _found(ask: Asker, text: str = "", **query: Any) -> list[str]:
    found = ask.good("GET", "model-versions/search", filter=text, **query)
    return [each["version"] for each in found.get("model_versions", [])]


def test_a_version_comes_back_as_it_was_made(model: Asker) -> None:
    tags = [{"key": "a", "value": "ü"}]
    made = _create(model, run_id="elsewhere", description="first", tags=tags, unknown="field")
    assert made == {
        "name": "m", "version": "1", "creation_timestamp": MS + 1000, "last_updated_timestamp": MS + 1000,
        "user_id": "ann", "current_stage": "None", "description": "first", "source": "s3://a/b",
        "run_id": "elsewhere", "status": "READY", "tags": tags,
    }  # fmt: skip
    assert _get(model, "1") == made
    bare = _create(model)
    assert bare["version"] == "2" and not {"run_id", "description", "tags", "aliases"} & set(bare)
    told = model.good("GET", "registered-models/get", name="m")["registered_model"]
    assert told["last_updated_timestamp"] == MS + 2000


def test_a_version_that_is_not_there_is_not_found(model: Asker) -> None:
    _create(model)
    said = "RESOURCE_DOES_NOT_EXIST: Model Version (name=m, version=9) not found"
    of = {"name": "m", "version": "9"}
    for path in ("model-versions/get", "model-versions/get-download-uri"):
        assert model.refused("GET", path, **of).startswith(said)
    for method, path, more in (
        ("PATCH", "update", {}), ("DELETE", "delete", {}), ("POST", "set-tag", {"key": "k"}),
        ("DELETE", "delete-tag", {"key": "k"}), ("POST", "transition-stage", {"stage": "Staging"}),
    ):  # fmt: skip
        assert model.refused(method, f"model-versions/{path}", {**of, **more}).startswith(said), path


@pytest.mark.parametrize("version", ["x", "-x", "1.0", " 1", "²", "9" * 30])
def test_a_version_is_a_number(model: Asker, version: str) -> None:
    said = model.refused("GET", "model-versions/get", name="m", version=version)
    assert said == f"INVALID_PARAMETER_VALUE: Parameter 'version' must be an integer, got '{version}'."


def test_what_is_missing_or_mistyped_is_named(model: Asker) -> None:
    said = model.refused("POST", "model-versions/create", {"name": "m"})
    assert said.startswith("INVALID_PARAMETER_VALUE: Missing value for required parameter 'source'")
    said = model.refused("GET", "model-versions/get", name="m")
    assert said.startswith("INVALID_PARAMETER_VALUE: Missing value for required parameter 'version'")
    said = model.refused("DELETE", "model-versions/delete", {"name": "m", "version": 1})
    assert said.startswith("INVALID_PARAMETER_VALUE: Invalid value 1 for parameter 'version' supplied")


def test_a_deleted_version_is_gone_with_its_aliases(model: Asker) -> None:
    for _ in range(2):
        _create(model)
    model.good("POST", "registered-models/alias", {"name": "m", "alias": "champion", "version": "2"})
    assert model.good("DELETE", "model-versions/delete", {"name": "m", "version": "2"}) == {}
    assert model.refused("GET", "model-versions/get", name="m", version="2").startswith("RESOURCE_DOES_NOT_EXIST")
    told = model.good("GET", "registered-models/get", name="m")["registered_model"]
    assert "aliases" not in told and [each["version"] for each in told["latest_versions"]] == ["1"]
    assert _found(model) == ["1"]
    assert _create(model)["version"] == "3"


def test_versions_added_at_once_have_numbers_of_their_own(model: Asker) -> None:
    with ThreadPoolExecutor(8) as pool:
        numbers = list(pool.map(lambda _: int(_create(model)["version"]), range(40)))
    assert sorted(numbers) == list(range(1, 41))


def test_a_description_and_tags_are_changed(model: Asker) -> None:
    _create(model, description="first")
    of = {"name": "m", "version": "1"}
    new = model.good("PATCH", "model-versions/update", {**of, "description": "second"})["model_version"]
    assert (new["description"], new["last_updated_timestamp"]) == ("second", MS + 2000)
    assert "description" not in model.good("PATCH", "model-versions/update", of)["model_version"]
    model.good("POST", "model-versions/set-tag", {**of, "key": "a", "value": "1"})
    model.good("POST", "model-versions/set-tag", {**of, "key": "a", "value": "2"})
    assert _get(model, "1")["tags"] == [{"key": "a", "value": "2"}]
    for _ in range(2):
        assert model.good("DELETE", "model-versions/delete-tag", {**of, "key": "a"}) == {}
    assert "tags" not in _get(model, "1")
    with model.store.read() as conn:
        past = changes.of(conn, VERSION, versions.get(conn, registered.get(conn, "m"), 1).entity)
    assert [(each.actor, each.field, each.before, each.after) for each in reversed(past)] == [
        ("ann", "description", "first", "second"), ("ann", "description", "second", ""), ("ann", "tag:a", "1", "2"),
        ("ann", "tag:a", None, "1"), ("ann", "tag:a", "2", None),
    ]  # fmt: skip


def test_stages_are_moved_through(model: Asker) -> None:
    for _ in range(3):
        _create(model)

    def move(version: str, stage: str, **more: Any) -> str:
        body = {"name": "m", "version": version, "stage": stage, **more}
        return str(model.good("POST", "model-versions/transition-stage", body)["model_version"]["current_stage"])

    assert [move("1", "production"), move("2", "STAGING")] == ["Production", "Staging"]
    assert move("2", "Production", archive_existing_versions=True) == "Production"
    assert [_get(model, number)["current_stage"] for number in "123"] == ["Archived", "Production", "None"]
    of = {"name": "m", "version": "1"}
    said = model.refused("POST", "model-versions/transition-stage", {**of, "stage": "Ready"})
    assert said.endswith(
        "Invalid Model Version stage: Ready. Value must be one of None, Staging, Production, Archived."
    )
    body = {**of, "stage": "Archived", "archive_existing_versions": True}
    assert "is not an Active stage" in model.refused("POST", "model-versions/transition-stage", body)


def test_versions_are_searched_in_order_and_by_pages(model: Asker) -> None:
    for number in range(1, 5):
        _create(model, run_id=f"r{number % 2}", source=f"s3://a/{number}", tags=[{"key": "n", "value": str(number)}])
    model.good("PATCH", "model-versions/update", {"name": "m", "version": "2", "description": "x"})
    for text, found in {
        "": "2431", "name = 'm'": "2431", "name = 'other'": "", "run_id = 'r1'": "31", "run_id IN ('r0', 'r1')": "2431",
        "version_number > 2": "43", "version_number = '1'": "1", "source_path = 's3://a/3'": "3",
        "tags.n != '3'": "241", "name LIKE 'm%' AND run_id = 'r0' AND tags.n = '4'": "4",
    }.items():  # fmt: skip
        assert "".join(_found(model, text)) == found, text
    assert _found(model, order_by=["version_number ASC"]) == ["1", "2", "3", "4"]
    first = model.good("GET", "model-versions/search", max_results=3)
    assert _found(model, max_results=3, page_token=first["next_page_token"]) == ["1"]


@pytest.mark.parametrize(
    "query",
    [
        {"filter": "title = 'x'"}, {"filter": "version_number = 1.5"}, {"filter": "stage = 'Production'"},
        {"max_results": 0}, {"max_results": 200_001}, {"order_by": ["stage"]}, {"page_token": "kQE="},
    ],
)  # fmt: skip
def test_a_search_that_cannot_be_meant_is_refused(model: Asker, query: dict[str, Any]) -> None:
    assert model.refused("GET", "model-versions/search", **query).startswith("INVALID_PARAMETER_VALUE")
