from __future__ import annotations

import pytest

from argosy.store import resources
from tests.server.conftest import World


def test_every_kind_can_be_listed_and_its_first_item_read(world: World) -> None:
    kinds = world.admin.get("/api").json()["kinds"]
    assert sorted(kinds) == resources.names()
    for kind, fields in kinds.items():
        items = world.admin.get(f"/api/{kind}?limit=1").json()["items"]
        assert all(sorted(item) == sorted(fields) for item in items)


def test_a_member_is_read_by_its_address(world: World) -> None:
    member = world.viewer.get("/api/members/late-arrival/EWR/9E").json()
    assert (member["key"], member["address"]) == ("EWR/9E", "late-arrival/EWR/9E")
    assert world.viewer.get("/api/versions/late-arrival/EWR/9E@2").json()["number"] == 2


def test_pages_follow_one_another(world: World) -> None:
    seen, cursor = [], ""
    while True:
        page = world.viewer.get(f"/api/members?limit=10{cursor}").json()
        seen += [item["key"] for item in page["items"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert len(seen) == len(set(seen)) == 36


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("/api/members?where=colour:red", 400, "no field 'colour'"),
        ("/api/members?where=failures:many", 400, "whole number"),
        ("/api/members?where=%22", 400, "filter"),
        ("/api/members?limit=0", 400, "limit"),
        ("/api/members?limit=many", 400, "limit"),
        ("/api/members?cursor=abc", 400, "cursor"),
        ("/api/nothing", 404, "no kind"),
        ("/api/members/late-arrival/XX", 404, "there is no"),
        ("/api/events/x", 404, "no id"),
        ("/api/members/%00", 404, "there is no"),
        ("/api/watch?kind=members", 400, "cannot be followed"),
        ("/api/watch?kind=nothing", 404, "no kind"),
    ],
)
def test_a_wrong_question_is_answered_in_words(world: World, path: str, status: int, said: str) -> None:
    answer = world.viewer.get(path)
    assert (answer.status_code, said in answer.text) == (status, True), answer.text
    assert set(answer.json()) == {"error", "next"}


def test_health_says_nothing_else(world: World) -> None:
    assert world.anyone.get("/healthz").text == "ok"
