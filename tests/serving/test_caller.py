"""Who asks: tokens that open the inference server, and those that no longer do."""

from __future__ import annotations

from base64 import b64encode
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import httpx
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as some

from argosy.serving.caller import Caller, Callers
from argosy.serving.server import Options
from argosy.serving.worker import application
from argosy.store import tokens
from argosy.store.tokens import ADMIN, CALLER, ROLES, VIEWER, Token
from tests.serving.served import TOKEN, URL, Served, body, tensor

OWN, NOW = "the-token-of-the-server", datetime(2013, 4, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
GIVEN = {name: tensor(name, "FP64", [1.0]) for name in ("hour", "temp", "wind")}


def token(text: str, role: str = CALLER, *, ends: datetime | None = None, revoked: datetime | None = None) -> Token:
    digest = sha256(text.encode()).hexdigest()
    return Token(digest=digest, name=text, role=role, at=NOW - HOUR, expires_at=ends, revoked_at=revoked)


def found(callers: Callers, text: str) -> Caller | None:
    return callers.find(b"Bearer " + text.encode())


def callers(*tokens: Token, now: datetime = NOW) -> Callers:
    made = Callers(OWN, lambda: tokens, lambda: now)
    made.take(made.read())
    return made


def test_every_token_in_force_is_a_caller_by_its_name_and_role() -> None:
    known = callers(token("shop"), token("ada", ADMIN), token("late", ends=NOW), token("gone", revoked=NOW))
    for _ in range(2):  # as it is seen for the first time, and as it is remembered
        assert found(known, "shop") == Caller("shop", CALLER)
        assert found(known, "ada") == Caller("ada", ADMIN)
        assert found(known, "late") is None and found(known, "gone") is None


def test_the_servers_own_token_opens_unless_the_home_has_ended_it() -> None:
    assert found(callers(), OWN) == Caller("argosy serve", ADMIN)
    assert found(callers(token(OWN, ADMIN)), OWN) == Caller(OWN, ADMIN)
    assert found(callers(token(OWN, ADMIN, revoked=NOW)), OWN) is None


def test_a_revoked_token_is_not_remembered() -> None:
    tokens = [token("shop")]
    known = Callers(OWN, lambda: tokens, lambda: NOW)
    known.take(known.read())
    assert found(known, "shop") is not None
    tokens[0] = token("shop", revoked=NOW)
    known.take(known.read())
    assert found(known, "shop") is None


def test_a_token_expires_though_the_home_cannot_be_read() -> None:
    moment = NOW
    known = Callers(OWN, lambda: [token("shop", ends=NOW + HOUR)], lambda: moment)
    known.take(known.read())
    assert found(known, "shop") is not None
    moment = NOW + HOUR
    known.take()
    assert found(known, "shop") is None


def test_a_viewer_only_looks() -> None:
    may = {role: [Caller("x", role).may(method) for method in ("GET", "POST")] for role in (VIEWER, CALLER, ADMIN)}
    assert may == {VIEWER: [True, False], CALLER: [True, True], ADMIN: [True, True]}


@pytest.mark.parametrize(
    "header", [b"", b"Bearer", b"Bearer ", b"Basic shop", b"shop", b"Bearershop", b"Bearer shop x"]
)
def test_what_is_no_token_opens_nothing(header: bytes) -> None:
    assert callers(token("shop")).find(header) is None


@given(some.binary(max_size=80))
def test_whatever_is_sent_opens_nothing_and_raises_nothing(header: bytes) -> None:
    known = callers(token("shop"))
    assert known.find(header) is None and known.find(b"Bearer " + header) is None


def test_the_word_before_a_token_is_read_in_any_case() -> None:
    assert callers(token("shop")).find(b"bearer shop") == Caller("shop", CALLER)


def test_tokens_of_the_home_open_the_server_by_their_role_until_they_are_revoked(served: Served) -> None:
    store = served.fleet.store
    with store.write() as tx:
        for role in ROLES:
            tokens.add(tx, token(role, role))
    served = msgspec.structs.replace(served, app=application(Options(home=store.home, token=TOKEN)))

    async def talk(client: httpx.AsyncClient) -> list[list[int]]:
        found = []
        for role in (*ROLES, "stranger"):
            headers = {"Authorization": f"Bearer {role}"}
            looked = await client.get("/v2/models/late-arrival", headers=headers)
            asked = await client.post(URL, json=body(**GIVEN), headers=headers)
            found.append([looked.status_code, asked.status_code])
        with store.write() as tx:
            tokens.revoke(tx, token(CALLER).digest, NOW)
        await served.app.refresh()
        asked = await client.post(URL, json=body(**GIVEN), headers={"Authorization": f"Bearer {CALLER}"})
        return [*found, [asked.status_code]]

    assert served.run(talk) == [[200, 403], [200, 200], [200, 200], [401, 401], [401]]


def test_a_token_may_come_as_a_password() -> None:
    known = callers(token("shop"))
    for text in (b"anybody:shop", b":shop"):
        assert known.find(b"Basic " + b64encode(text)) == Caller("shop", CALLER)
    for header in (
        b"Basic " + b64encode(b"shop:"),
        b"Basic " + b64encode(b"shop"),
        b"Basic shop",
        b"Basic \xff",
        b"Basic",
    ):
        assert known.find(header) is None
