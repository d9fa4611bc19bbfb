"""Logged models: made, finished, tagged, deleted and restored, and every change of one kept."""

from __future__ import annotations

from datetime import timedelta

import pytest

from argosy.errors import InputError, UnknownError
from argosy.store import Store
from argosy.store.models import logged
from argosy.store.tracking import changes, experiments, labels
from argosy.store.tracking.changes import LOGGED, Hand


def test_a_model_is_as_it_was_made(store: Store, hand: Hand) -> None:
    with store.write() as tx:
        made = logged.create(
            tx, 0, "ridge", hand, type="regressor", run="r1", parameters={"alpha": "ü\n"}, tags={"team": "ops"}
        )
        bare = logged.create(tx, 0, "bare", hand)
    with store.read() as conn:
        assert logged.get(conn, made.model) == made
        assert logged.some(conn, [made.id, bare.id, 99]) == {made.id: made, bare.id: bare}
        assert labels.of(conn, LOGGED, [made.model, bare.model]) == {made.model: {"team": "ops"}}
    assert (made.status, made.deleted_at, bare.run, bare.parameters) == ("pending", None, None, {})
    assert made.model.startswith("m-") and len(made.model) == 34 != bare.model


def test_a_model_needs_an_experiment_that_is_active(store: Store, hand: Hand) -> None:
    with store.write() as tx:
        with pytest.raises(UnknownError, match="no experiment 99"):
            logged.create(tx, 99, "m", hand)
        id = experiments.create(tx, "gone", hand)
        experiments.delete(tx, id, hand)
        with pytest.raises(InputError, match="is deleted"):
            logged.create(tx, id, "m", hand)


def test_a_status_changes_once_and_it_is_told_who_did_it(store: Store, hand: Hand) -> None:
    later = hand._replace(actor="bob", at=hand.at + timedelta(seconds=5))
    with store.write() as tx:
        made = logged.create(tx, 0, "m", hand)
        new = logged.finish(tx, made.model, logged.READY, later)
        logged.finish(tx, made.model, logged.READY, later)
        past = changes.of(tx, LOGGED, made.model)
        assert logged.get(tx, made.model) == new
    assert (new.status, new.at, new.updated_at) == ("ready", hand.at, later.at)
    assert [(each.actor, each.field, each.before, each.after) for each in past] == [
        ("bob", "status", "pending", "ready")
    ]


def test_a_parameter_is_written_once(store: Store, hand: Hand) -> None:
    with store.write() as tx:
        model = logged.create(tx, 0, "m", hand, parameters={"a": "1"}).model
        logged.set_parameters(tx, model, {"a": "1", "b": "2"}, hand)
        with pytest.raises(InputError, match="key='a' was already logged with value='1'"):
            logged.set_parameters(tx, model, {"c": "3", "a": "9"}, hand)
        assert logged.get(tx, model).parameters == {"a": "1", "b": "2"}


def test_tags_change_and_go(store: Store, hand: Hand) -> None:
    with store.write() as tx:
        model = logged.create(tx, 0, "m", hand, tags={"a": "1"}).model
        logged.set_tags(tx, model, {"a": "2", "b": "x"}, hand)
        logged.delete_tag(tx, model, "b", hand)
        with pytest.raises(UnknownError, match="no tag 'b'"):
            logged.delete_tag(tx, model, "b", hand)
        assert labels.of(tx, LOGGED, [model]) == {model: {"a": "2"}}
        past = [(each.field, each.before, each.after) for each in changes.of(tx, LOGGED, model)]
    assert past == [("tag:b", "x", None), ("tag:b", None, "x"), ("tag:a", "1", "2")]


def test_what_is_deleted_is_in_the_trash_until_it_is_restored(store: Store, hand: Hand) -> None:
    with store.write() as tx:
        model = logged.create(tx, 0, "m", hand).model
        logged.delete(tx, model, hand)
        logged.delete(tx, model, hand)
        assert logged.get(tx, model).deleted_at == hand.at
        with pytest.raises(UnknownError, match="it is deleted"):
            logged.active(tx, model)
        with pytest.raises(UnknownError, match="it is deleted"):
            logged.finish(tx, model, logged.READY, hand)
        logged.restore(tx, model, hand)
        assert logged.active(tx, model).deleted_at is None
        past = [(each.field, each.before, each.after) for each in changes.of(tx, LOGGED, model)]
    at = hand.at.isoformat()
    assert past == [("deleted", at, None), ("deleted", None, at)]


@pytest.mark.parametrize("act", [logged.delete, logged.restore])
def test_a_model_that_is_not_is_named(store: Store, hand: Hand, act: object) -> None:
    with store.write() as tx, pytest.raises(UnknownError, match="ID 'm-0' not found"):
        act(tx, "m-0", hand)  # type: ignore[operator]
