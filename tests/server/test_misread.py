"""Requests that cannot be read are answered with the field, its value, what is allowed and the next step."""

from __future__ import annotations

from typing import Any

import pytest

from tests.server.conftest import World

BODY = 'send {"verb": …, "address": "FLEET/KEY@NUMBER", "reason": "…"}, '
VERBS = "one of approve, refuse, promote, rollback, retrain"


@pytest.mark.parametrize(
    ("path", "said", "next"),
    [
        (
            "/api/members?limit=abc",
            "GET /api/members: limit is 'abc', which is no whole number",
            "write limit=50, or leave limit out",
        ),
        (
            "/fleets/late-arrival?page=x",
            "GET /fleets/late-arrival: page is 'x', which is no whole number",
            "write page",
        ),
    ],
)
def test_a_parameter_that_is_no_number(world: World, path: str, said: str, next: str) -> None:
    answer = world.viewer.get(path, accept="application/json")
    assert (answer.status_code, answer.json()["error"]) == (400, said)
    assert answer.json()["next"].startswith(next)


@pytest.mark.parametrize(
    ("sent", "said", "next"),
    [
        ({"json": {"verb": "retrin", "address": "a"}}, "verb: Invalid enum value 'retrin'", f"use {VERBS}"),
        ({"json": {"verb": "retrain", "address": 3}}, "address: Expected `str`, got `int`", f"{BODY}verb {VERBS}"),
        ({"json": {"address": "a"}}, "the body: Object missing required field `verb`", f"{BODY}verb {VERBS}"),
        ({"content": b"{"}, "Input data was truncated", f"{BODY}verb {VERBS}"),
    ],
)
def test_an_order_that_cannot_be_read(world: World, sent: dict[str, Any], said: str, next: str) -> None:
    answer = world.admin("POST", "/api/act", **sent)
    assert answer.status_code == 400
    assert answer.json() == {"error": f"POST /api/act: {said}", "next": next}


def test_what_is_not_there_has_no_next_step(world: World) -> None:
    answer = world.viewer.get("/nowhere", accept="application/json")
    assert answer.status_code == 404 and answer.json() == {"error": "GET /nowhere: Not Found", "next": ""}
