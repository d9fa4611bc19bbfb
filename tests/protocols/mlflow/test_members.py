"""Members of fleets are registered models that are read as all are, and promoted as their gates allow."""

from __future__ import annotations

from typing import Any

import pytest

import argosy as ag
from argosy.store import aliases, members
from argosy.store.aliases import Move
from argosy.store.tracking import naming
from argosy.testing import sample
from argosy.testing.sample import moment
from tests.protocols.mlflow.conftest import Asker
from tests.registry.test_petition import declare

NAME, QUOTED = "late/JFK/AA", "late%2FJFK%2FAA"


@pytest.fixture
def fleet(ask: Asker) -> Asker:
    """Two versions of a member, the first of which answers, and another member; models beside them."""
    with ask.store.write() as tx:
        sample.train(tx, "late", ["JFK/AA", "JFK/DL"], hours=1)
        sample.train(tx, "late", ["JFK/AA"], hours=2, promoted=False)
        tx.exec_driver_sql("""UPDATE version SET metrics = '{"roc_auc":0.7}'""")
    declare(ask.store, ag.Gate("roc_auc", minimum=0.6))
    for name in ("alpha", "late", "zulu"):
        ask.good("POST", "registered-models/create", {"name": name})
    return ask


def _names(answer: Any) -> list[str]:
    return [each["name"] for each in answer.get("registered_models", [])]


def _numbers(answer: Any) -> list[tuple[str, str]]:
    return [(each["name"], each["version"]) for each in answer.get("model_versions", [])]


def test_a_member_is_a_model_with_its_latest_versions(fleet: Asker) -> None:
    found = fleet.good("GET", "registered-models/get", name=NAME)["registered_model"]
    assert found == fleet.good("GET", "registered-models/get", name=QUOTED)["registered_model"]
    assert found["name"] == NAME and found["aliases"] == [{"alias": "champion", "version": "1"}]
    second, first = found["latest_versions"]
    assert (first["version"], first["current_stage"], first["aliases"]) == ("1", "Production", ["champion"])
    assert second == {
        "name": NAME, "version": "2", "creation_timestamp": second["creation_timestamp"],
        "last_updated_timestamp": second["creation_timestamp"], "current_stage": "None",
        "source": "mlflow-artifacts:/versions/3", "run_id": naming.of_execution(3), "status": "READY",
    }  # fmt: skip
    run = fleet.good("GET", "runs/get", run_id=second["run_id"])["run"]
    assert run["info"]["run_name"] == "JFK/AA"


def test_versions_are_read_by_number_alias_and_stage(fleet: Asker) -> None:
    for name in (NAME, QUOTED):
        assert fleet.good("GET", "model-versions/get", name=name, version="2")["model_version"]["version"] == "2"
        by = fleet.good("GET", "registered-models/alias", name=name, alias="champion")["model_version"]
        assert (by["name"], by["version"]) == (NAME, "1")
        uri = fleet.good("GET", "model-versions/get-download-uri", name=name, version="2")
        assert uri == {"artifact_uri": "mlflow-artifacts:/versions/3"}
    latest = fleet.good("POST", "registered-models/get-latest-versions", {"name": QUOTED})
    assert _numbers(latest) == [(NAME, "2"), (NAME, "1")]
    latest = fleet.good("GET", "registered-models/get-latest-versions", name=QUOTED, stages=["Production"])
    assert _numbers(latest) == [(NAME, "1")]
    assert "version=3) not found" in fleet.refused("GET", "model-versions/get", name=NAME, version="3")
    assert "alias best not found" in fleet.refused("GET", "registered-models/alias", name=NAME, alias="best")


@pytest.mark.parametrize("most", [1, 2, 100])
@pytest.mark.parametrize("order", [[], ["name DESC"], ["last_updated_timestamp DESC"], ["creation_timestamp"]])
def test_members_are_listed_among_the_models(fleet: Asker, most: int, order: list[str]) -> None:
    seen, token = list[str](), ""
    while True:
        page = fleet.good("GET", "registered-models/search", max_results=most, order_by=order, page_token=token)
        seen += _names(page)
        token = page.get("next_page_token", "")
        if not token:
            break
    by_name = ["alpha", "late", NAME, "late/JFK/DL", "zulu"]
    wanted = {
        "": by_name, "name DESC": by_name[::-1],
        "last_updated_timestamp DESC": ["zulu", "late", "alpha", NAME, "late/JFK/DL"],
        "creation_timestamp": [NAME, "late/JFK/DL", "alpha", "late", "zulu"],
    }  # fmt: skip
    assert seen == wanted["".join(order)]


def test_members_and_versions_are_found_by_filters(fleet: Asker) -> None:
    def found(kind: str, filter: str) -> Any:
        return fleet.good("GET", f"{kind}/search", filter=filter)

    assert _names(found("registered-models", "name LIKE 'late/%'")) == [NAME, "late/JFK/DL"]
    assert _names(found("registered-models", "tag.`mlflow.prompt.is_prompt` != 'true'")) == [
        "alpha", "late", NAME, "late/JFK/DL", "zulu",
    ]  # fmt: skip
    assert _numbers(found("model-versions", f"name = '{QUOTED}'")) == [(NAME, "2"), (NAME, "1")]
    assert _numbers(found("model-versions", f"run_id = '{naming.of_execution(3)}'")) == [(NAME, "2")]
    assert len(_numbers(found("model-versions", ""))) == 3


def test_tags_of_members_are_kept(fleet: Asker) -> None:
    fleet.good("POST", "registered-models/set-tag", {"name": QUOTED, "key": "team", "value": "ops"})
    fleet.good("POST", "model-versions/set-tag", {"name": NAME, "version": "2", "key": "seen", "value": "yes"})
    found = fleet.good("GET", "registered-models/search", filter="tags.team = 'ops'")["registered_models"]
    assert [each["name"] for each in found] == [NAME] and found[0]["tags"] == [{"key": "team", "value": "ops"}]
    assert _numbers(fleet.good("GET", "model-versions/search", filter="tags.seen = 'yes'")) == [(NAME, "2")]
    fleet.good("DELETE", "registered-models/delete-tag", {"name": NAME, "key": "team"})
    fleet.good("DELETE", "model-versions/delete-tag", {"name": NAME, "version": "2", "key": "seen"})
    fleet.good("DELETE", "model-versions/delete-tag", {"name": NAME, "version": "2", "key": "seen"})
    assert "tags" not in fleet.good("GET", "registered-models/get", name=NAME)["registered_model"]


@pytest.mark.parametrize(
    ("method", "path", "more"),
    [
        ("POST", "registered-models/create", {}), ("POST", "registered-models/rename", {"new_name": "x"}),
        ("PATCH", "registered-models/update", {"description": "x"}), ("DELETE", "registered-models/delete", {}),
        ("POST", "model-versions/create", {"source": "s3://a/b"}),
        ("PATCH", "model-versions/update", {"version": "1", "description": "x"}),
        ("DELETE", "model-versions/delete", {"version": "1"}),
        ("POST", "model-versions/transition-stage", {"version": "1", "stage": "Production"}),
    ],
)  # fmt: skip
def test_what_argosy_alone_does_is_refused(fleet: Asker, method: str, path: str, more: dict[str, str]) -> None:
    for name in (NAME, QUOTED):
        said = fleet.refused(method, path, {"name": name, **more})
        assert said.startswith("INVALID_PARAMETER_VALUE: late/JFK/AA is a member of the fleet late: ")
        assert said.endswith(f"to promote a version, set the alias champion of '{QUOTED}'")


def test_the_champion_is_promoted_as_the_gates_allow(fleet: Asker) -> None:
    request = {"name": QUOTED, "alias": "champion", "version": "2"}
    declare(fleet.store, ag.Gate("roc_auc", minimum=0.9))
    said = fleet.refused("POST", "registered-models/alias", request)
    assert said.startswith(
        "INVALID_PARAMETER_VALUE: late/JFK/AA@2 was not promoted: it did not pass the gate roc_auc >= 0.9"
    )
    declare(fleet.store, ag.Gate("roc_auc", minimum=0.6))
    fleet.good("POST", "registered-models/alias", request)
    with fleet.store.read() as conn:
        state = members.state(conn, "late", "JFK/AA")
        assert state is not None and state.champion_number == 2
        assert aliases.history(conn, state.member_id, "champion")[0].actor == "ann"
    found = fleet.good("GET", "registered-models/get", name=NAME)["registered_model"]
    assert [each["version"] for each in found["latest_versions"]] == ["2"]
    assert "argosy rollback" in fleet.refused("DELETE", "registered-models/alias", {"name": NAME, "alias": "champion"})


def test_other_aliases_move_at_once_and_the_challenger_does_not(fleet: Asker) -> None:
    best = {"name": NAME, "alias": "best", "version": "2"}
    for _ in range(2):
        fleet.good("POST", "registered-models/alias", best)
    by = fleet.good("GET", "registered-models/alias", name=NAME, alias="best")["model_version"]
    assert (by["version"], by["aliases"]) == ("2", ["best"])
    with fleet.store.read() as conn:
        (move,) = aliases.history(conn, 1, "best")
    assert (move.actor, move.target) == ("ann", "own")
    for _ in range(2):
        fleet.good("DELETE", "registered-models/alias", {"name": NAME, "alias": "best"})
    assert "alias best not found" in fleet.refused("GET", "registered-models/alias", name=NAME, alias="best")
    said = fleet.refused("POST", "registered-models/alias", {**best, "alias": "challenger"})
    assert "the challenger is moved by rollouts alone" in said


def test_a_member_that_the_pooled_model_answers_for_says_so(fleet: Asker) -> None:
    with fleet.store.write() as tx:
        aliases.move(tx, [
            Move(fleet="late", member_id=1, alias="champion", target="pooled", at=moment(9), actor="ann")
        ])  # fmt: skip
    said = fleet.refused("GET", "registered-models/alias", name=NAME, alias="champion")
    assert "The pooled model answers for late/JFK/AA: ask for late/*." in said
    found = fleet.good("GET", "registered-models/alias", name=NAME, alias="latest")["model_version"]
    assert found["version"] == "2"


def test_a_page_of_many_members_holds_as_many_as_were_asked_for(fleet: Asker) -> None:
    with fleet.store.write() as tx:
        sample.train(tx, "many", [f"{n:03d}" for n in range(300)])
    page = fleet.good("GET", "registered-models/search", filter="name LIKE 'many/%'", max_results=100)
    assert len(_names(page)) == 100 and page["next_page_token"]
    assert all(each["latest_versions"][0]["current_stage"] == "Production" for each in page["registered_models"])
