from __future__ import annotations

import pytest

from argosy.controller import observe
from argosy.controller.observe import FleetState
from argosy.controller.plan import due
from argosy.store import events, members, versions
from tests.console import build
from tests.server.conftest import World

HTML = {"accept": "text/html"}


def act(world: World, verb: str, address: str, reason: str = "") -> tuple[int, dict[str, str]]:
    answer = world.admin("POST", "/api/act", json={"verb": verb, "address": address, "reason": reason})
    return answer.status_code, answer.json()


def test_promoting_and_rolling_back_are_facts_with_their_actor(own: World) -> None:
    status, said = act(own, "promote", "late-arrival/EWR/9E@1", "it was better")
    assert (status, said["said"]) == (200, "late-arrival/EWR/9E@1 answers now")
    with own.store.read() as conn:
        first = versions.find(conn, "late-arrival", "EWR/9E", 1)
        state = members.state(conn, "late-arrival", "EWR/9E")
        event = events.of_subject(conn, "late-arrival/EWR/9E", 1)[0]
    assert first and state and state.champion_id == first.id
    assert (event.kind, event.actor) == ("promoted", "a admin")
    assert act(own, "rollback", "late-arrival/EWR/9E")[0] == 200
    with own.store.read() as conn:
        state = members.state(conn, "late-arrival", "EWR/9E")
    assert state and state.champion_id != first.id


def test_an_approval_is_answered_once(own: World) -> None:
    waiting = own.admin.get("/fleets/late-arrival?q=status:waiting&format=json").json()["rows"][0]["key"]
    assert act(own, "approve", f"late-arrival/{waiting}")[0] == 200
    assert act(own, "approve", f"late-arrival/{waiting}")[0] == 409


def test_a_member_that_was_asked_for_is_due(own: World) -> None:
    fleet = build.fleet()
    with own.store.write() as tx:
        ids = members.ids(tx, fleet.name)
        from_now = build.NOW.timestamp()
        tx.execute(_fresh(from_now, ids["EWR/9E"]))
    assert act(own, "retrain", "late-arrival/EWR/9E", "a hunch")[0] == 200
    with own.store.read() as conn:
        todo = due(FleetState(fleet, 1, observe.table(conn, fleet.name)), build.NOW)
    assert "EWR/9E" in todo["key"].to_list()


def _fresh(trained: float, member: int) -> object:
    """Nothing is due by age: the signal as if it was trained just now."""
    from sqlalchemy import text

    return text("UPDATE current SET signals = json_set(signals, '$.trained', :at) WHERE member_id = :id").bindparams(
        at=trained, id=member
    )


@pytest.mark.parametrize(
    ("verb", "address", "status"),
    [
        ("promote", "late-arrival/EWR/9E@99", 404),
        ("promote", "nothing/at/all", 404),
        ("retrain", "late-arrival/EWR/9E@1", 400),
        ("retrain", "late-arrival/XX", 404),
        ("rollback", "", 400),
        ("destroy", "late-arrival/EWR/9E", 400),
        ("approve", "late-arrival/EWR/9E", 409),
        ("promote", "x" * 500, 400),
    ],
)
def test_what_cannot_be_done_is_said(own: World, verb: str, address: str, status: int) -> None:
    assert act(own, verb, address)[0] == status


def test_the_button_of_the_page_leads_back_to_it(own: World) -> None:
    form = {"verb": "retrain", "address": "late-arrival/EWR/9E", "reason": ""}
    headers = {"origin": "http://localhost:8075", "cookie": f"argosy_8075={own.secrets['admin']}", **HTML}
    answer = own.anyone("POST", "/act", data=form, headers=headers)
    assert (answer.status_code, answer.headers["location"]) == (303, "/members/late-arrival/EWR/9E")
