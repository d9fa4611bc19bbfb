"""Versions of registered models: numbered, described, moved between stages, deleted; the latest of many found."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest

from argosy.errors import UnknownError
from argosy.store import Store
from argosy.store.models import aliases, registered, versions
from argosy.store.models.registered import Registered
from argosy.store.models.versions import ARCHIVED, NONE, PRODUCTION, STAGING
from argosy.store.tracking import changes, labels
from argosy.store.tracking.changes import VERSION, Hand


def _model(store: Store, hand: Hand, name: str = "m", many: int = 3) -> Registered:
    with store.write() as tx:
        registered.create(tx, name, hand)
        for _ in range(many):
            versions.create(tx, registered.get(tx, name), "s3://a/b", hand)
        return registered.get(tx, name)


def _stages(store: Store, model: Registered) -> Sequence[str]:
    with store.read() as conn:
        return [versions.get(conn, model, number).stage for number in range(1, model.versions + 1)]


def test_a_version_is_as_it_was_made(store: Store, hand: Hand) -> None:
    later = hand._replace(at=hand.at + timedelta(hours=1))
    with store.write() as tx:
        model = registered.create(tx, "m", hand)
        full = versions.create(
            tx, model, "runs:/r1/m", later, location="mlflow-artifacts:/0/r1/artifacts/m", run="r1", logged="m-1",
            description="first", tags={"a": "ü"},
        )  # fmt: skip
        bare = versions.create(tx, registered.get(tx, "m"), "s3://a/b", later)
    with store.read() as conn:
        model = registered.get(conn, "m")
        assert [versions.get(conn, model, number) for number in (1, 2)] == [full, bare]
        assert labels.of(conn, VERSION, [full.entity, bare.entity]) == {full.entity: {"a": "ü"}}
    assert (model.versions, model.at, model.updated_at) == (2, hand.at, later.at)
    assert (full.name, full.number, full.stage, full.owner) == ("m", 1, NONE, "ann")
    assert full.location == "mlflow-artifacts:/0/r1/artifacts/m"
    assert (bare.location, bare.run, bare.logged) == ("s3://a/b", None, None)


def test_a_number_is_never_given_again(store: Store, hand: Hand) -> None:
    model = _model(store, hand)
    with store.write() as tx:
        versions.delete(tx, versions.get(tx, model, 3), hand)
        assert versions.create(tx, registered.get(tx, "m"), "s3://a/b", hand).number == 4
        with pytest.raises(UnknownError, match=r"name=m, version=3\) not found"):
            versions.get(tx, model, 3)


def test_a_deleted_version_takes_its_aliases_along(store: Store, hand: Hand) -> None:
    model = _model(store, hand)
    later = hand._replace(at=hand.at + timedelta(hours=1))
    with store.write() as tx:
        for alias, number in {"a": 1, "b": 2, "c": 1}.items():
            aliases.put(tx, model, alias, number, hand)
        versions.delete(tx, versions.get(tx, model, 1), later)
        assert aliases.of(tx, [model.id]) == {model.id: {"b": 2}}
        assert aliases.at(tx, model, "c", later.at) is None
        assert registered.get(tx, "m").updated_at == later.at


def test_a_stage_is_moved_to_and_the_others_there_are_archived_if_asked(store: Store, hand: Hand) -> None:
    model, later = _model(store, hand, many=4), hand._replace(at=hand.at + timedelta(hours=1))
    with store.write() as tx:
        for number in (1, 2):
            versions.move(tx, versions.get(tx, model, number), PRODUCTION, hand)
        versions.move(tx, versions.get(tx, model, 4), STAGING, hand, archive=True)
    assert _stages(store, model) == [PRODUCTION, PRODUCTION, NONE, STAGING]
    with store.write() as tx:
        first, third = versions.get(tx, model, 1), versions.get(tx, model, 3)
        moved = versions.move(tx, third, PRODUCTION, later, archive=True)
        assert moved == versions.get(tx, model, 3)
        assert [(each.field, each.before, each.after) for each in changes.of(tx, VERSION, first.entity)] == [
            ("stage", PRODUCTION, ARCHIVED), ("stage", NONE, PRODUCTION),
        ]  # fmt: skip
        versions.move(tx, moved, PRODUCTION, later, archive=True)
        assert len(changes.of(tx, VERSION, third.entity)) == 1
        assert versions.get(tx, model, 1).updated_at == registered.get(tx, "m").updated_at == later.at
    assert _stages(store, model) == [ARCHIVED, ARCHIVED, PRODUCTION, STAGING]


def test_the_latest_of_each_stage_is_found_for_many_models(store: Store, hand: Hand) -> None:
    one, two, none = _model(store, hand, "a", 6), _model(store, hand, "b", 2), _model(store, hand, "c", 0)
    with store.write() as tx:
        for number, stage in {1: STAGING, 2: STAGING, 3: PRODUCTION, 4: PRODUCTION}.items():
            versions.move(tx, versions.get(tx, one, number), stage, hand)
        versions.delete(tx, versions.get(tx, one, 6), hand)
        versions.delete(tx, versions.get(tx, one, 4), hand)
    with store.read() as conn:
        found = versions.latest(conn, [one.id, two.id, none.id])
        newest = versions.newest(conn, one)
        with pytest.raises(UnknownError, match="it has none"):
            versions.newest(conn, none)
    told = {id: [(each.number, each.stage) for each in some] for id, some in found.items()}
    assert told == {one.id: [(5, NONE), (3, PRODUCTION), (2, STAGING)], two.id: [(2, NONE)]}
    assert newest == found[one.id][0]


def test_a_description_is_changed_and_told(store: Store, hand: Hand) -> None:
    model, later = _model(store, hand), hand._replace(actor="bob", at=hand.at + timedelta(hours=1))
    with store.write() as tx:
        new = versions.describe(tx, versions.get(tx, model, 2), "better", later)
        versions.describe(tx, new, "better", later)
        past = changes.of(tx, VERSION, new.entity)
        assert versions.get(tx, model, 2) == new
    assert (new.description, new.updated_at) == ("better", later.at)
    assert [(each.actor, each.before, each.after) for each in past] == [("bob", "", "better")]
