"""Into the trash by name, and out again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection

from argosy.controller import disposal
from argosy.errors import ConflictError, TakenError, UnknownError, UsageError
from argosy.store import Store
from argosy.store.models import aliases, logged, registered, versions
from argosy.store.tracking import changes, experiments, identity, runs
from argosy.store.tracking.changes import Hand
from tests.controller.test_tracked import NOW

HAND, LATER, LAST = (Hand("ann", NOW + timedelta(hours=hours)) for hours in range(3))


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def tx(request: pytest.FixtureRequest, home: Path) -> Iterator[Connection]:
    """A transaction in an empty store."""
    place = home if request.param == "sqlite" else request.getfixturevalue("postgres_home")
    with Store.open(place, blobs=home / "blobs") as store, store.write() as tx:
        yield tx


def test_an_experiment_goes_with_its_runs_and_comes_back_with_them(tx: Connection) -> None:
    id = experiments.create(tx, "my trials", HAND)
    first, second = (runs.create(tx, id, name, NOW, HAND) for name in ("one", "two"))
    short = identity.shorts(tx, [first.run])[first.run]
    assert disposal.delete(tx, "run", short, HAND).name == short
    done = disposal.delete(tx, "experiment", "my trials", LATER, "wrong data")
    assert done.said == "experiment my trials and its runs are in the trash"
    with pytest.raises(UnknownError, match="one is in the trash") as told:
        disposal.delete(tx, "experiment", "my trials", LATER)
    assert told.value.next == "argosy restore experiment 'my trials'"
    with pytest.raises(ConflictError, match="is of experiment my trials, which is in the trash"):
        disposal.restore(tx, "run", short, LATER)
    other = experiments.create(tx, "my trials", LATER)
    with pytest.raises(TakenError, match="already exists"):
        disposal.restore(tx, "experiment", "my trials", LAST)
    experiments.rename(tx, other, "new", LAST)
    disposal.restore(tx, "experiments", "my trials", LAST, "right after all")
    assert runs.get(tx, second.run).deleted_at is None and runs.get(tx, first.run).deleted_at is not None
    assert disposal.restore(tx, "run", short, LAST).said == f"run {short} (one) is back"
    past = changes.of(tx, changes.EXPERIMENT, str(id))
    assert [each.reason for each in past] == ["right after all", "wrong data"]
    assert disposal.delete(tx, "experiment", str(id), LAST).name == "my trials"
    assert disposal.restore(tx, "experiment", str(id), LAST).name == "my trials"


def test_a_model_comes_back_with_its_aliases_and_the_versions_that_went_with_it(tx: Connection) -> None:
    model = registered.create(tx, "late", HAND)
    for number in range(3):
        versions.create(tx, registered.get(tx, "late"), f"s3://a/{number}", HAND)
    versions.delete(tx, versions.get(tx, model, 1), HAND)
    aliases.put(tx, model, "best", 2, HAND)
    disposal.delete(tx, "model", "late", LATER, "no more")
    assert registered.find(tx, "late") is None
    other = registered.create(tx, "late", LATER)
    with pytest.raises(TakenError, match="already exists"):
        disposal.restore(tx, "model", "late", LAST)
    registered.delete(tx, other, LATER._replace(at=NOW))  # before the first one
    disposal.restore(tx, "model", "late", LAST)
    back = registered.get(tx, "late")
    assert back.id == model.id and aliases.of(tx, [model.id]) == {model.id: {"best": 2}}
    assert versions.get(tx, back, 3).number == 3
    with pytest.raises(UnknownError):
        versions.get(tx, back, 1)


def test_one_version_goes_and_comes_back_without_its_aliases(tx: Connection) -> None:
    model = registered.create(tx, "late", HAND)
    for number in (1, 2):
        versions.create(tx, registered.get(tx, "late"), f"s3://a/{number}", HAND)
    aliases.put(tx, model, "best", 2, HAND)
    kept = versions.get(tx, model, 2)
    assert "no alias points at it" in disposal.delete(tx, "version", "late/2", LATER, "wrong data").said
    with pytest.raises(UnknownError):
        versions.get(tx, model, 2)
    with pytest.raises(ConflictError, match="is in the trash already"):
        disposal.delete(tx, "version", "late/2", LATER)
    assert (
        disposal.restore(tx, "versions", "late/2", LAST, "right").said == "version late/2 is back; its aliases are not"
    )
    assert versions.get(tx, model, 2) == kept._replace(updated_at=LAST.at) and aliases.of(tx, [model.id]) == {}
    past = changes.of(tx, changes.VERSION, kept.entity)
    assert [(each.field, each.reason) for each in past] == [("deleted", "right"), ("deleted", "wrong data")]
    for name in ("late/2", "late/7"):
        with pytest.raises(UnknownError, match="is in the trash"):
            disposal.restore(tx, "version", name, LAST)
    for name in ("late", "late/", "late/two"):
        with pytest.raises(UsageError, match="names no version"):
            disposal.restore(tx, "version", name, LAST)
    with pytest.raises(UnknownError, match="there is no registered model 'later'"):
        disposal.delete(tx, "version", "later/1", LAST)


def test_a_logged_model_goes_and_comes_back_unless_its_experiment_is_in_the_trash(tx: Connection) -> None:
    id = experiments.create(tx, "trials", HAND)
    made = logged.create(tx, id, "tree", HAND)
    with pytest.raises(UnknownError, match="is not in the trash"):
        disposal.restore(tx, "logged", made.model, HAND)
    assert (
        disposal.delete(tx, "logged", made.model, LATER, "wrong").said == f"logged model {made.model} is in the trash"
    )
    with pytest.raises(ConflictError, match="is in the trash already"):
        disposal.delete(tx, "logged", made.model, LATER)
    disposal.delete(tx, "experiment", "trials", LATER)
    with pytest.raises(ConflictError, match="is of experiment trials, which is in the trash"):
        disposal.restore(tx, "logged", made.model, LAST)
    disposal.restore(tx, "experiment", "trials", LAST)
    disposal.restore(tx, "logged", made.model, LAST, "right")
    assert logged.active(tx, made.model).name == "tree"
    assert [each.reason for each in changes.of(tx, changes.LOGGED, made.model)] == ["right", "wrong"]


def test_what_cannot_be_meant_is_said(tx: Connection) -> None:
    experiments.create(tx, "one", HAND)
    for act in (disposal.delete, disposal.restore):
        with pytest.raises(UsageError, match="a member has no trash"):
            act(tx, "member", "late/x", HAND)
        for kind, name in (("model", "none"), ("experiment", "none"), ("experiment", "77"), ("run", "abcdef01")):
            with pytest.raises(UnknownError):
                act(tx, kind, name, HAND)
    run = runs.create(tx, 1, "x", NOW, HAND)
    with pytest.raises(UnknownError, match="is not in the trash"):
        disposal.restore(tx, "run", run.run, HAND)
    disposal.delete(tx, "run", run.run, HAND)
    with pytest.raises(ConflictError, match="is in the trash already"):
        disposal.delete(tx, "run", run.run, HAND)
