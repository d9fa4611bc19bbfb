from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from argosy.server import secret
from argosy.store import Store, events


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home, which commands find."""
    Store.open(tmp_path).close()
    monkeypatch.setenv("ARGOSY_HOME", str(tmp_path))
    return tmp_path


def test_a_token_is_shown_once_and_opens_until_it_is_revoked(run, place: Path) -> None:
    made = run("token", "create", "dashboard")
    text, now = made.out.strip(), datetime.now(UTC)
    assert made.code == 0 and "dashboard may look, until" in made.err and text not in made.err
    with Store.open(place) as store:
        found = secret.find(store, text, now)
        assert found is not None and found.role == "viewer" and found.expires_at is not None
        assert abs(found.expires_at - now - timedelta(days=90)) < timedelta(minutes=1)
        listed = run("token")
        assert "dashboard" in listed.out and "in force" in listed.out and text not in listed.out
        assert run("token", "revoke", "dashboard").code == 0
        assert secret.find(store, text, datetime.now(UTC)) is None
        with store.read() as conn:
            assert [e.kind for e in events.of_subject(conn, "token:dashboard")] == ["token.revoked", "token.created"]


def test_programs_have_it_as_json(run, place: Path) -> None:
    made = run("token", "create", "ci", "--role", "admin", "--expires", "never", "--json").json()
    assert (made["role"], made["expires_at"]) == ("admin", None)
    (item,) = run("token", "list", "--json").json()["items"]
    assert (item["name"], item["state"], item["digest"]) == ("ci", "in force", secret.digest(made["token"]))
    assert run("token", "revoke", made["digest"][:12], "--json").json()["digest"] == made["digest"]
    (item,) = run("token", "--json").json()["items"]
    assert item["state"] == "revoked"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (["create"], "takes a name"), (["revoke"], "takes a name"), (["list", "x"], "takes no name"),
        (["revoke", "x", "--role", "admin"], "neither --role"), (["create", "x", "--role", "king"], "king"),
        (["create", "x", "--expires", "soon"], "'soon'"), (["make", "x"], "make"), (["revoke", "x"], "no token 'x'"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_said(run, place: Path, given: list[str], words: str) -> None:
    shown = run("token", *given)
    assert shown.code != 0 and shown.out == "" and words in shown.err
    assert run("token", "--json").json() == {"items": []}


def test_a_name_that_is_taken_is_refused(run, place: Path) -> None:
    assert run("token", "create", "ci").code == 0
    again = run("token", "create", "ci")
    assert again.code == 1 and "in force already" in again.err
