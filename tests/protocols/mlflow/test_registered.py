"""Registered models over the protocol: made, found, renamed, tagged, aliased, deleted, and every change told."""

from __future__ import annotations

from typing import Any

import pytest

from argosy.protocols.mlflow.registered import told
from argosy.store.models import registered, search
from argosy.store.tracking import changes
from argosy.store.tracking.changes import MODEL
from tests.protocols.mlflow.conftest import NOW, Asker

MS = int(NOW.timestamp() * 1000)
TAGS = [{"key": "team", "value": "ops"}]


def _create(ask: Asker, name: str = "m", many: int = 0, **more: Any) -> None:
    ask.good("POST", "registered-models/create", {"name": name, **more})
    for _ in range(many):
        ask.good("POST", "model-versions/create", {"name": name, "source": "s3://a/b"})


def _get(ask: Asker, name: str = "m") -> Any:
    return ask.good("GET", "registered-models/get", name=name)["registered_model"]


def _alias(ask: Asker, alias: str, version: str) -> None:
    ask.good("POST", "registered-models/alias", {"name": "m", "alias": alias, "version": version})


def _stage(ask: Asker, version: str, stage: str) -> None:
    ask.good("POST", "model-versions/transition-stage", {"name": "m", "version": version, "stage": stage})


def _names(ask: Asker, **query: Any) -> list[str]:
    found = ask.good("GET", "registered-models/search", **query)
    return [each["name"] for each in found.get("registered_models", [])]


def test_a_model_comes_back_as_it_was_made(ask: Asker) -> None:
    bare = {"name": "bare", "creation_timestamp": MS, "last_updated_timestamp": MS}
    assert ask.good("POST", "registered-models/create", {"name": "bare"}) == {"registered_model": bare}
    given = {"name": "full", "description": "who is late", "tags": TAGS}
    made = ask.good("POST", "registered-models/create", given)["registered_model"]
    assert made == {**given, "creation_timestamp": MS + 1000, "last_updated_timestamp": MS + 1000}
    assert (_get(ask, "bare"), _get(ask, "full")) == (bare, made)


def test_a_model_shows_its_latest_versions_and_aliases(ask: Asker) -> None:
    _create(ask, many=4)
    _stage(ask, "1", "Production")
    _alias(ask, "champion", "1")
    found = _get(ask)
    told = [(each["version"], each["current_stage"], each.get("aliases")) for each in found["latest_versions"]]
    assert told == [("4", "None", None), ("1", "Production", ["champion"])]
    assert found["aliases"] == [{"alias": "champion", "version": "1"}]
    assert found["last_updated_timestamp"] == MS + 5000  # that of the stage


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_latest_versions_of_some_stages(ask: Asker, method: str) -> None:
    _create(ask, many=3)
    _stage(ask, "2", "Staging")

    def latest(stages: list[str]) -> list[tuple[str, str]]:
        fields = {"name": "m", "stages": stages} if stages else {"name": "m"}
        given: dict[str, Any] = {"body": fields} if method == "POST" else fields
        found = ask.good(method, "registered-models/get-latest-versions", **given)
        return [(each["version"], each["current_stage"]) for each in found.get("model_versions", [])]

    assert latest([]) == [("3", "None"), ("2", "Staging")]
    assert latest(["staging", "Production"]) == [("2", "Staging")]
    assert latest(["Archived"]) == []
    said = ask.refused("GET", "registered-models/get-latest-versions", name="m", stages=["Ready"])
    assert said.startswith("INVALID_PARAMETER_VALUE: Invalid Model Version stage: Ready.")


def test_a_name_is_one_models(ask: Asker) -> None:
    _create(ask, "one")
    _create(ask, "two")
    taken = "RESOURCE_ALREADY_EXISTS: Registered Model (name=one) already exists"
    assert ask.refused("POST", "registered-models/create", {"name": "one"}).startswith(taken)
    assert ask.refused("POST", "registered-models/rename", {"name": "two", "new_name": "one"}).startswith(taken)
    renamed = ask.good("POST", "registered-models/rename", {"name": "two", "new_name": "three"})["registered_model"]
    assert renamed["name"] == "three" and renamed == _get(ask, "three")
    unknown = "RESOURCE_DOES_NOT_EXIST: Registered Model with name=two not found"
    for method, path, more in (
        ("POST", "registered-models/rename", {"new_name": "x"}), ("PATCH", "registered-models/update", {}),
        ("DELETE", "registered-models/delete", {}), ("POST", "registered-models/set-tag", {"key": "k"}),
        ("DELETE", "registered-models/delete-tag", {"key": "k"}), ("POST", "registered-models/get-latest-versions", {}),
        ("POST", "registered-models/alias", {"alias": "a", "version": "1"}),
        ("DELETE", "registered-models/alias", {"alias": "a"}), ("POST", "model-versions/create", {"source": "s3://a/b"}),
    ):  # fmt: skip
        assert ask.refused(method, path, {"name": "two", **more}).startswith(unknown), path


def test_a_deleted_model_is_gone_and_its_name_is_free(ask: Asker) -> None:
    _create(ask, many=2, tags=TAGS)
    _alias(ask, "champion", "1")
    assert ask.good("DELETE", "registered-models/delete", {"name": "m"}) == {}
    assert ask.refused("GET", "registered-models/get", name="m").startswith("RESOURCE_DOES_NOT_EXIST")
    assert ask.refused("GET", "model-versions/get", name="m", version="1").startswith("RESOURCE_DOES_NOT_EXIST")
    assert ask.good("GET", "model-versions/search") == ask.good("GET", "registered-models/search") == {}
    _create(ask)
    assert set(_get(ask)) == {"name", "creation_timestamp", "last_updated_timestamp"}


def test_tags_are_set_and_deleted(ask: Asker) -> None:
    _create(ask, tags=TAGS)
    tag = {"name": "m", "key": "team"}
    ask.good("POST", "registered-models/set-tag", {**tag, "value": "data"})
    ask.good("POST", "registered-models/set-tag", {"name": "m", "key": "empty"})
    assert _get(ask)["tags"] == [{"key": "empty", "value": ""}, {"key": "team", "value": "data"}]
    for _ in range(2):
        assert ask.good("DELETE", "registered-models/delete-tag", tag) == {}
    assert _get(ask)["tags"] == [{"key": "empty", "value": ""}]
    for key, value in (("a" * 251, ""), ("..", ""), ("k", "x" * 100_001), ("k", "\0")):
        body = {"name": "m", "key": key, "value": value}
        assert ask.refused("POST", "registered-models/set-tag", body).startswith("INVALID_PARAMETER_VALUE")


def test_a_description_is_changed_and_left_out(ask: Asker) -> None:
    _create(ask)
    made = ask.good("PATCH", "registered-models/update", {"name": "m", "description": "new"})["registered_model"]
    assert (made["description"], made["last_updated_timestamp"]) == ("new", MS + 1000)
    assert "description" not in ask.good("PATCH", "registered-models/update", {"name": "m"})["registered_model"]
    body = {"name": "m", "description": "x" * 100_001}
    assert ask.refused("PATCH", "registered-models/update", body).startswith("INVALID_PARAMETER_VALUE")


def test_an_alias_points_at_a_version(ask: Asker) -> None:
    _create(ask, many=3)
    _alias(ask, "champion", "1")
    _alias(ask, "champion", "2")
    _alias(ask, "second_best-1", "2")
    found = ask.good("GET", "registered-models/alias", name="m", alias="champion")["model_version"]
    assert (found["version"], found["aliases"]) == ("2", ["champion", "second_best-1"])
    assert found == ask.good("GET", "model-versions/get", name="m", version="2")["model_version"]
    latest = ask.good("GET", "registered-models/alias", name="m", alias="Latest")["model_version"]
    assert latest["version"] == "3"
    for _ in range(2):
        assert ask.good("DELETE", "registered-models/alias", {"name": "m", "alias": "champion"}) == {}
    said = ask.refused("GET", "registered-models/alias", name="m", alias="champion")
    assert said == "INVALID_PARAMETER_VALUE: Registered model alias champion not found."
    body = {"name": "m", "alias": "champion", "version": "9"}
    assert ask.refused("POST", "registered-models/alias", body).startswith("RESOURCE_DOES_NOT_EXIST")
    _create(ask, "empty")
    said = ask.refused("GET", "registered-models/alias", name="empty", alias="latest")
    assert said.startswith("RESOURCE_DOES_NOT_EXIST: Latest version not found for model empty")


def test_who_changed_what_is_told(ask: Asker) -> None:
    _create(ask, many=2)
    _alias(ask, "champion", "1")
    _alias(ask, "champion", "2")
    ask.good("POST", "registered-models/rename", {"name": "m", "new_name": "n"})
    ask.good("DELETE", "registered-models/alias", {"name": "n", "alias": "champion"})
    with ask.store.read() as conn:
        past = changes.of(conn, MODEL, registered.get(conn, "n").entity)
    assert [(each.actor, each.field, each.before, each.after) for each in reversed(past)] == [
        ("ann", "alias:champion", None, "1"), ("ann", "alias:champion", "1", "2"), ("ann", "name", "m", "n"),
        ("ann", "alias:champion", "2", None),
    ]  # fmt: skip


def test_models_are_searched_in_order_and_by_pages(ask: Asker) -> None:
    for number in range(5):
        _create(ask, f"m{number}", tags=[{"key": "even", "value": str(number % 2 == 0)}] if number else [])
    for text, found in {
        "": "01234", "name = 'm3'": "3", "name LIKE 'm%'": "01234", "name ILIKE 'M%'": "01234",
        "name IN ('m1', 'm9')": "1", "tags.even = 'True'": "24", "tag.even != 'True'": "13",
        "name != 'm0' AND tags.`mlflow.prompt.is_prompt` != 'true'": "1234", "name LIKE 'M%'": "",
    }.items():  # fmt: skip
        assert "".join(name[-1] for name in _names(ask, filter=text)) == found, text
    assert _names(ask, order_by=["name DESC"]) == ["m4", "m3", "m2", "m1", "m0"]
    assert _names(ask, order_by=["last_updated_timestamp DESC"], max_results=2) == ["m4", "m3"]
    seen, token = list[list[str]](), ""
    while True:
        page = ask.good("GET", "registered-models/search", max_results=2, page_token=token)
        seen.append([each["name"] for each in page["registered_models"]])
        if "next_page_token" not in page:
            break
        token = page["next_page_token"]
    assert seen == [["m0", "m1"], ["m2", "m3"], ["m4"]]


@pytest.mark.parametrize(
    "query",
    [
        {"filter": "title = 'x'"}, {"filter": "name > 'x'"}, {"filter": "name = 'x' OR name = 'y'"},
        {"max_results": 0}, {"max_results": 1001}, {"max_results": "many"}, {"order_by": ["age"]},
        {"order_by": ["name", "name DESC"]}, {"page_token": "nonsense"}, {"page_token": "kQE="},
    ],
)  # fmt: skip
def test_a_search_that_cannot_be_meant_is_refused(ask: Asker, query: dict[str, Any]) -> None:
    assert ask.refused("GET", "registered-models/search", **query).startswith("INVALID_PARAMETER_VALUE")


def test_prompts_are_found_where_they_are_asked_for(ask: Asker) -> None:
    prompt = [{"key": "mlflow.prompt.is_prompt", "value": "true"}]
    _create(ask, "asked", tags=prompt)
    _create(ask, "model")
    ask.good("POST", "model-versions/create", {"name": "asked", "source": "dummy-source", "tags": prompt})
    ask.good("POST", "model-versions/create", {"name": "model", "source": "s3://a/b"})
    assert _names(ask) == ["model"]
    assert _names(ask, filter="tags.`mlflow.prompt.is_prompt` = 'true'") == ["asked"]
    found = ask.good("GET", "model-versions/search")["model_versions"]
    assert [each["name"] for each in found] == ["model"]


def test_many_models_cost_as_many_queries_as_one(ask: Asker) -> None:
    for number in range(20):
        _create(ask, f"m{number}", many=2, tags=TAGS)
    counts = []
    for limit in (1, 20):
        said: list[str] = []
        with ask.store.read() as conn:
            driver: Any = conn.connection.driver_connection
            driver.set_trace_callback(said.append)
            shown = told(conn, search.models(conn, limit=limit).items)
            driver.set_trace_callback(None)
        assert [len(each["latest_versions"]) for each in shown] == [1] * limit
        counts.append(len(said))
    assert counts[0] == counts[1] <= 6
