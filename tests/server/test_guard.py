from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from argosy.server import secret
from argosy.server.app import ROUTES, create
from argosy.server.guard import OPEN
from argosy.server.settings import Settings
from argosy.store import tokens
from tests.console import build
from tests.server.conftest import BASE, Asker, World

FORM = {"verb": "retrain", "address": "late-arrival/EWR/9E"}


def routes() -> list[tuple[str, str]]:
    """(method, a path) of every route that the application has."""
    places = {
        "kind": "members",
        "name": "late-arrival",
        "place": "3",
        "reference": "late-arrival/EWR/9E",
        "address": "x/y",
        "number": "7",
        "node": "fit",
        "digest": "a" * 64,
        "id": "1",
        "path": "model/MLmodel",
    }
    found = []
    for handler in ROUTES:
        for path in handler.paths:
            for name, value in places.items():
                for type_ in ("str", "path", "int"):
                    path = path.replace(f"{{{name}:{type_}}}", value)
            assert "{" not in path, f"{path}: give the parameter a value here"
            found += [(method, path) for method in sorted(handler.http_methods)]
    return found


@pytest.mark.parametrize(("method", "path"), routes())
def test_nobody_gets_in_without_a_token(world: World, method: str, path: str) -> None:
    status = world.anyone(method, path).status_code
    if path in OPEN:
        assert status == 200
    else:
        assert status == (411 if method == "POST" else 401) or status == 401


@pytest.mark.parametrize(
    "path", ["/nowhere", "/schema", "/schema/openapi.json", "/static/../api", "/static/argosy.js", "//"]
)
def test_what_is_no_route_is_closed_too(world: World, path: str) -> None:
    assert world.anyone.get(path).status_code == 401


def test_every_route_that_writes_needs_an_admin(world: World) -> None:
    writes = [(method, path) for method, path in routes() if method not in ("GET", "HEAD", "OPTIONS")]
    assert writes
    for method, path in writes:
        assert world.viewer(method, path, json=FORM).status_code == 403


def test_a_viewer_may_look_but_not_at_tokens(world: World) -> None:
    assert world.viewer.get("/api/members").status_code == 200
    assert world.viewer.get("/api/tokens").status_code == 403
    assert world.viewer.get("/api/watch?kind=tokens").status_code == 403
    assert world.admin.get("/api/tokens").status_code == 200


@pytest.mark.parametrize("path", ["/", "/api/members", "/api/members/late-arrival/EWR/9E", "/runs", "/nowhere"])
def test_a_caller_of_the_inference_server_sees_nothing_here(world: World, path: str) -> None:
    answer = world.caller.get(path)
    assert answer.status_code == 403 and "inference server" in answer.json()["error"]


@pytest.mark.parametrize("bearer", ["Bearer ", "Bearer x", "Basic YTpi", "bearer", "Bearer \x7f"])
def test_a_wrong_token_opens_nothing(world: World, bearer: str) -> None:
    assert world.anyone.get("/", authorization=bearer).status_code == 401


def test_a_digest_is_no_token(world: World) -> None:
    digest = secret.digest(world.secrets["admin"])
    assert Asker(world.guard, digest).get("/").status_code == 401


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8075", "localhost.evil.example", "", "[::2]", "127.0.0.1.nip.io"]
)
def test_another_host_is_not_served(world: World, host: str) -> None:
    assert world.admin.get("/", host=host).status_code == 421
    assert world.admin.get("/healthz", host=host).status_code == 421


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.1:8075", "[::1]:8075"])
def test_the_loopback_is_served(world: World, host: str) -> None:
    assert world.admin.get("/", host=host).status_code == 200


def test_opening_the_url_signs_in_and_hides_the_token(world: World) -> None:
    answer = world.anyone.get(f"/fleets/late-arrival?q=status%3Afailed&token={world.secrets['viewer']}")
    assert (answer.status_code, answer.headers["location"]) == (303, "/fleets/late-arrival?q=status%3Afailed")
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=Strict" in cookie and cookie.startswith("argosy_8075=")
    assert world.anyone.get("/", cookie=cookie.partition(";")[0]).status_code == 200
    assert world.anyone.get("/?token=wrong").status_code == 401


def test_a_redirect_stays_on_this_host(world: World) -> None:
    answer = world.anyone.get(f"{BASE}//evil.example/?token={world.secrets['viewer']}")
    assert answer.status_code == 303 and answer.headers["location"].startswith("/evil.example")


@pytest.mark.parametrize(
    "path", ["/members/f/%E6%9D%B1%E4%BA%AC", "/members/f/a%252Fb", "/%5Cevil.example/", "/a%0D%0Ab"]
)
def test_a_redirect_names_the_path_as_it_was_asked(world: World, path: str) -> None:
    answer = world.anyone.get(f"{path}?token={world.secrets['viewer']}")
    assert (answer.status_code, answer.headers["location"]) == (303, path)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 403),
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "http://localhost:9999"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"origin": "http://localhost:8075"}, 303),
        ({"sec-fetch-site": "same-origin"}, 303),
    ],
)
def test_a_write_by_cookie_must_come_from_our_own_page(own: World, headers: dict[str, str], status: int) -> None:
    cookie = {"cookie": f"argosy_8075={own.secrets['admin']}"}
    assert own.anyone("POST", "/act", data=FORM, headers={**cookie, **headers}).status_code == status


def test_a_revoked_token_ends(own: World) -> None:
    with own.store.write() as tx:
        tokens.revoke(tx, secret.digest(own.secrets["admin"]), build.NOW - timedelta(seconds=1))
    assert own.admin.get("/").status_code == 401


def test_a_token_ends_by_the_machines_clock_not_the_replays(own: World) -> None:
    text = secret.issue(own.store, "short", "viewer", build.NOW, timedelta(hours=1))
    later = build.NOW + timedelta(hours=2)
    guard, _ = create(own.store, Settings(home=own.store.home), lambda: build.NOW, machine=lambda: later)
    assert Asker(guard, text).get("/").status_code == 401


def test_every_answer_carries_the_headers_of_safety(world: World) -> None:
    for answer in (
        world.admin.get("/"),
        world.anyone.get("/"),
        world.admin.get("/nowhere"),
        world.anyone.get("/healthz"),
    ):
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy and "frame-ancestors 'none'" in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "same-origin"
    assert world.admin.get("/").headers["cache-control"] == "no-store"


def test_a_large_body_is_refused_before_it_is_read(world: World) -> None:
    answer = world.admin("POST", "/api/act", content=b"x" * 70_000)
    assert answer.status_code == 413


def test_other_methods_are_refused(world: World) -> None:
    assert [world.admin(method, "/").status_code for method in ("PUT", "DELETE", "PATCH", "OPTIONS", "TRACE")] == [
        405
    ] * 5


def test_a_refusal_is_a_page_for_people_and_json_for_programs(world: World) -> None:
    assert "<h1>" in world.anyone.get("/", accept="text/html").text
    problem: dict[str, Any] = world.anyone.get("/").json()
    assert set(problem) == {"error", "next"}
