"""Registered models: made, renamed, described, deleted; a name is one model's until it is deleted."""

from __future__ import annotations

from datetime import timedelta

import pytest

from argosy.errors import TakenError, UnknownError
from argosy.store import Store
from argosy.store.models import registered, versions
from argosy.store.tracking import changes, labels
from argosy.store.tracking.changes import MODEL, Hand


def test_a_model_is_as_it_was_made(store: Store, hand: Hand) -> None:
    with store.write() as tx:
        made = registered.create(tx, "late", hand, "who is late", {"team": "ops"})
        other = registered.create(tx, "early", hand)
    with store.read() as conn:
        assert registered.get(conn, "late") == registered.find(conn, "late") == made
        assert registered.some(conn, ["early", "late", "none"]) == {"late": made, "early": other}
        assert labels.of(conn, MODEL, [made.entity, other.entity]) == {made.entity: {"team": "ops"}}
        assert registered.find(conn, "none") is None
    assert (made.description, made.at, made.updated_at, made.versions) == ("who is late", hand.at, hand.at, 0)


def test_a_name_is_taken_once(store: Store, hand: Hand) -> None:
    with store.write() as tx:
        one, two = registered.create(tx, "one", hand), registered.create(tx, "two", hand)
        with pytest.raises(TakenError, match=r"name=one\) already exists"):
            registered.create(tx, "one", hand)
        with pytest.raises(TakenError, match=r"name=one\) already exists"):
            registered.rename(tx, two, "one", hand)
        assert registered.rename(tx, one, "one", hand) == one
        with pytest.raises(UnknownError, match="name=three not found"):
            registered.get(tx, "three")


def test_what_changes_is_told_with_who_did_it(store: Store, hand: Hand) -> None:
    later = hand._replace(actor="bob", at=hand.at + timedelta(hours=1))
    with store.write() as tx:
        made = registered.create(tx, "one", hand, "first")
        new = registered.describe(tx, registered.rename(tx, made, "two", later), "second", later)
        registered.describe(tx, new, "second", later)
        registered.delete(tx, new, later)
        past = changes.of(tx, MODEL, made.entity)
    assert (new.id, new.name, new.description, new.updated_at) == (made.id, "two", "second", later.at)
    assert [(each.actor, each.at, each.field, each.before, each.after) for each in reversed(past)] == [
        ("bob", later.at, "name", "one", "two"),
        ("bob", later.at, "description", "first", "second"),
        ("bob", later.at, "deleted", None, later.at.isoformat()),
    ]


def test_a_deleted_model_frees_its_name_and_takes_its_versions_along(store: Store, hand: Hand) -> None:
    later = hand._replace(at=hand.at + timedelta(hours=1))
    with store.write() as tx:
        made = registered.create(tx, "one", hand, tags={"team": "ops"})
        versions.create(tx, made, "s3://a/1", hand)
        registered.delete(tx, registered.get(tx, "one"), later)
        anew = registered.create(tx, "one", later)
        with pytest.raises(UnknownError):
            versions.get(tx, made, 1)
        with pytest.raises(UnknownError):
            versions.get(tx, anew, 1)
        assert labels.of(tx, MODEL, [anew.entity]) == {} and anew.id != made.id
        assert versions.create(tx, anew, "s3://a/2", later).number == 1
    with store.read() as conn:
        assert registered.get(conn, "one").id == anew.id
