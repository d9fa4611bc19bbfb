"""The reference of a member is what the version that answers for it was trained on, whatever was trained since."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from argosy.controller import survey
from argosy.controller.house import House
from argosy.controller.watching import reference
from argosy.controller.watching.reference import Answering, References
from argosy.store import windows
from argosy.store.store import Store
from tests.controller.conftest import START
from tests.controller.snapshots import NOW, fleet

OWN, POOLED = (Answering(NOW, pooled) for pooled in (False, True))
LATER = timedelta(days=30)


def train(store: Store, rows: dict[str, int], due: str, days: int = 0, revision: int = 1, shift: float = 0.0) -> None:
    """Record that members of `due` are trained, so many days from NOW, on a number of rows of each member."""
    keys = [key for key, count in rows.items() for _ in range(count)]
    frame = pl.DataFrame({"distance": [shift + i for i in range(len(keys))], "late": [i % 2 for i in range(len(keys))]})
    given = (frame, pl.Series("member", keys), ["distance"], list(due), NOW + timedelta(days=days), 1)
    reference.record(store, fleet(), revision, *given)


def rows(store: Store, answering: dict[str, Answering], references: References | None = None) -> dict[str, int]:
    with store.read() as conn:
        frozen = reference.frozen(conn, store, "late", 1)
        assert frozen is not None and frozen.since == NOW
        found = (references or References(store)).of(conn, "late", frozen.bins, answering)
    return dict(zip(found.members, found.rows.tolist(), strict=True))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Trained NOW: the pooled model and `a` on 10 rows of `a` and 20 of `b`; thirty days later `a` on 15."""
    with Store.open(tmp_path) as made:
        train(made, {"a": 10, "b": 20}, "*a")
        train(made, {"a": 15}, "a", days=30)
        yield made


def test_a_training_changes_no_reference_until_its_version_answers(store: Store) -> None:
    references = References(store)
    assert rows(store, {"a": OWN, "*": OWN}, references) == {"a": 10, "*": 30}
    train(store, {"a": 99}, "a", days=40)
    assert rows(store, {"a": OWN, "*": OWN}, references) == {"a": 10, "*": 30}
    assert rows(store, {"a": Answering(NOW + LATER, pooled=False)}, references) == {"a": 15}
    assert rows(store, {"a": OWN}, references) == {"a": 10}


def test_a_version_of_a_training_that_was_resumed_has_the_reference_of_its_beginning(store: Store) -> None:
    assert rows(store, {"a": Answering(NOW + timedelta(days=1), pooled=False)}) == {"a": 10}


def test_where_the_pooled_model_answers_its_training_counts_and_the_members_rows_in_it(store: Store) -> None:
    later = Answering(NOW + timedelta(days=60), pooled=True)
    assert rows(store, {"a": later, "b": POOLED, "c": POOLED}) == {"a": 10, "b": 20}


def test_of_two_trainings_at_one_moment_both_stay(store: Store) -> None:
    train(store, {"b": 7}, "b", days=30)
    then = Answering(NOW + LATER, pooled=False)
    assert rows(store, {"a": then, "b": then}) == {"a": 15, "b": 7}


def test_recording_again_changes_nothing(store: Store) -> None:
    with store.read() as conn:
        before = windows.between(conn, "late", reference.REFERENCE)
    train(store, {"a": 15}, "a", days=30)
    with store.read() as conn:
        assert windows.between(conn, "late", reference.REFERENCE) == before


def test_of_two_revisions_that_are_trained_on_the_same_rows_at_one_moment_both_have_bins(store: Store) -> None:
    for revision in (2, 3):
        train(store, {"a": 15, "b": 5}, "*ab", days=40, revision=revision)
    train(store, {"a": 15}, "a", days=40, revision=4)
    with store.read() as conn:
        found = {each: reference.frozen(conn, store, "late", each) for each in range(1, 6)}
    since = {each: frozen and frozen.since - NOW for each, frozen in found.items()}
    later = timedelta(days=40)
    assert since == {1: timedelta(0), 2: later, 3: later, 4: later, 5: None}


def test_a_version_that_was_trained_on_other_bins_has_no_reference(store: Store) -> None:
    train(store, {"a": 12}, "a", days=50, revision=2, shift=100.0)
    assert rows(store, {"a": Answering(NOW + timedelta(days=50), pooled=False), "b": POOLED}) == {"b": 20}


def test_the_pooled_model_is_watched_against_all_rows_that_it_was_trained_on(house: House) -> None:
    table = survey.observe(house, START).fleets["late-arrival"].table
    with house.store.read() as conn:
        frozen = reference.frozen(conn, house.store, "late-arrival", 1)
        assert frozen is not None
        answering = {key: Answering(START, pooled=False) for key in table["key"]}
        found = house.memory.references.of(conn, "late-arrival", frozen.bins, answering)
    counted = dict(zip(found.members, found.rows.tolist(), strict=True))
    assert counted["*"] == table.filter(~pl.col("pooled"))["rows"].sum()
    assert {"LGA/AA", "LGA/MQ"} < set(counted)
