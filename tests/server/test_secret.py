from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from argosy.errors import ConflictError, InputError, UnknownError
from argosy.server import secret
from argosy.store import Store, events, tokens

NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path) as found:
        yield found


def standing(store: Store, now: datetime = NOW) -> list[str]:
    with store.read() as conn:
        return sorted(token.name for token in tokens.each(conn) if token.state(now) == tokens.IN_FORCE)


def test_a_token_is_found_by_its_text_until_it_ends_and_its_text_is_kept_nowhere(store: Store, tmp_path: Path) -> None:
    text = secret.issue(store, "ci", secret.ADMIN, NOW, 2 * HOUR)
    found = secret.find(store, text, NOW + HOUR)
    assert found is not None and (found.name, found.role, found.expires_at) == ("ci", "admin", NOW + 2 * HOUR)
    assert secret.find(store, text, NOW + 2 * HOUR) is None
    assert secret.find(store, text[:-1], NOW) is None
    store.close()
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and text.encode() in path.read_bytes()]


def test_both_ends_of_a_token_are_events(store: Store) -> None:
    secret.issue(store, "ci", secret.VIEWER, NOW, HOUR, actor="ada", at=NOW - HOUR)
    secret.revoke(store, "ci", NOW, actor="bob")
    with store.read() as conn:
        ended, made = events.of_subject(conn, "token:ci")
    assert (made.kind, made.actor, made.at) == ("token.created", "ada", NOW - HOUR)
    assert made.message.endswith(" made, role viewer, until 2026-03-02 09:00 UTC")
    assert (ended.kind, ended.actor, ended.at) == ("token.revoked", "bob", NOW)


def test_a_name_can_be_kept_to_one_token_at_a_time(store: Store) -> None:
    secret.issue(store, "ci", secret.VIEWER, NOW, HOUR)
    with pytest.raises(ConflictError, match="'ci' is in force already"):
        secret.issue(store, "ci", secret.VIEWER, NOW, alone=True)
    secret.issue(store, "ci", secret.VIEWER, NOW + HOUR, alone=True)
    assert standing(store, NOW + HOUR) == ["ci"]


@pytest.mark.parametrize(
    "name", ["", " ci", "a\nb", "x" * 81, "--role", "-", "0a1b2c3d", "20260302", "ABCDEF0123", "a" * 64]
)
def test_a_name_can_be_read_and_is_no_option_and_no_digest(store: Store, name: str) -> None:
    with pytest.raises(InputError, match="cannot name a token"):
        secret.issue(store, name, secret.VIEWER, NOW)
    assert standing(store) == []


def test_one_of_several_of_a_name_is_revoked_by_its_digest(store: Store) -> None:
    one, two = (secret.issue(store, "argosy up", secret.ADMIN, NOW) for _ in range(2))
    with pytest.raises(ConflictError, match="2 tokens are named 'argosy up'"):
        secret.revoke(store, "argosy up", NOW)
    assert secret.revoke(store, secret.digest(one)[:12], NOW).digest == secret.digest(one)
    assert secret.find(store, one, NOW) is None and secret.find(store, two, NOW) is not None


def test_a_token_named_as_the_digest_of_another_begins_is_not_ended_in_its_place(store: Store) -> None:
    text = secret.issue(store, "dashboard", secret.VIEWER, NOW)
    start = secret.digest(text)[:8]
    with store.write() as tx:  # such a name is refused today, and may stand from before
        tokens.add(tx, tokens.Token(digest="f" * 64, name=start, role=secret.VIEWER, at=NOW))
    with pytest.raises(ConflictError, match="2 tokens are named") as refused:
        secret.revoke(store, start, NOW)
    assert secret.digest(text)[:12] in refused.value.next and "f" * 12 in refused.value.next
    assert standing(store) == sorted(["dashboard", start])
    assert secret.revoke(store, secret.digest(text)[:12], NOW).name == "dashboard"
    assert secret.revoke(store, start, NOW).digest == "f" * 64


@pytest.mark.parametrize("name", ["ci", "0a1b2c3", "cafe-babe-9", "decade of data"])
def test_other_names_are_taken(store: Store, name: str) -> None:
    secret.issue(store, name, secret.VIEWER, NOW)
    assert standing(store) == [name]


@pytest.mark.parametrize("which", ["nobody", "", "ended"])
def test_what_is_not_in_force_cannot_be_revoked(store: Store, which: str) -> None:
    secret.issue(store, "ended", secret.ADMIN, NOW - 2 * HOUR, HOUR)
    secret.issue(store, "stays", secret.ADMIN, NOW)
    with pytest.raises(UnknownError, match="argosy token list"):
        secret.revoke(store, which, NOW)
    assert standing(store) == ["stays"]


def test_a_short_beginning_of_a_digest_names_nothing(store: Store) -> None:
    text = secret.issue(store, "stays", secret.ADMIN, NOW)
    with pytest.raises(UnknownError):
        secret.revoke(store, secret.digest(text)[:7], NOW)
