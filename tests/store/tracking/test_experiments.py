"""Experiments: names are taken by what is active, and freed by what is deleted."""

from __future__ import annotations

from datetime import timedelta

import pytest

from argosy.errors import InputError, TakenError, UnknownError
from argosy.store import Store
from argosy.store.codec import EPOCH
from argosy.store.tracking import changes, experiments, labels, runs
from argosy.store.tracking.changes import EXPERIMENT, Hand


def later(hand: Hand, seconds: int) -> Hand:
    return hand._replace(at=hand.at + timedelta(seconds=seconds))


def test_the_default_experiment_is_made_once(store: Store, hand: Hand) -> None:
    with store.write() as tx:
        experiments.ensure_default(tx)
        found = experiments.get(tx, 0)
        assert (found.name, found.location) == ("Default", "mlflow-artifacts:/0")
        assert experiments.create(tx, "one", hand) == 1


def test_a_name_is_taken_until_it_is_deleted(store: Store, hand: Hand) -> None:
    with store.write() as tx:
        one = experiments.create(tx, "one", hand, tags={"team": "ops"})
        with pytest.raises(TakenError, match="already exists"):
            experiments.create(tx, "one", hand)
        experiments.delete(tx, one, later(hand, 1))
        assert experiments.find(tx, "one") is None
        two = experiments.create(tx, "one", hand, location="s3://bucket/x")
        found = experiments.find(tx, "one")
        assert found is not None and (found.id, found.location) == (two, "s3://bucket/x")
        with pytest.raises(TakenError, match="already exists"):
            experiments.restore(tx, one, hand)
        experiments.rename(tx, two, "two", hand)
        experiments.restore(tx, one, later(hand, 2))
        assert labels.of(tx, EXPERIMENT, [str(one)]) == {str(one): {"team": "ops"}}
        assert [each.field for each in changes.of(tx, EXPERIMENT, str(one))] == ["deleted", "deleted"]


def test_runs_go_into_the_trash_with_their_experiment_and_come_back_with_it(store: Store, hand: Hand) -> None:
    with store.write() as tx:
        id = experiments.create(tx, "one", hand)
        gone, kept = (runs.create(tx, id, "r", EPOCH, hand) for _ in range(2))
        runs.delete(tx, gone.run, later(hand, 1))
        experiments.delete(tx, id, later(hand, 2))
        assert runs.get(tx, kept.run).deleted_at is not None
        with pytest.raises(UnknownError, match="no active experiment"):
            experiments.delete(tx, id, hand)
        experiments.restore(tx, id, later(hand, 3))
        with pytest.raises(UnknownError, match="no deleted experiment"):
            experiments.restore(tx, id, hand)
        assert runs.get(tx, kept.run).deleted_at is None and runs.get(tx, gone.run).deleted_at is not None


def test_a_deleted_experiment_is_neither_renamed_nor_tagged(store: Store, hand: Hand) -> None:
    with store.write() as tx:
        id = experiments.create(tx, "one", hand)
        experiments.set_tags(tx, id, {"a": "1"}, hand)
        experiments.set_tags(tx, id, {"a": "2"}, hand)
        labels.remove(tx, EXPERIMENT, str(id), "a", hand)
        with pytest.raises(UnknownError, match="has no tag 'a'"):
            labels.remove(tx, EXPERIMENT, str(id), "a", hand)
        experiments.delete(tx, id, hand)
        for act in (lambda: experiments.rename(tx, id, "two", hand), lambda: experiments.set_tags(tx, id, {}, hand)):
            with pytest.raises(InputError, match="must be in the 'active' state"):
                act()
        told = [(each.field, each.before, each.after) for each in changes.of(tx, EXPERIMENT, str(id))]
    assert told[1:] == [("tag:a", "2", None), ("tag:a", None, "1"), ("tag:a", "1", "2")]
