"""The list of experiments."""

from __future__ import annotations

import pytest

from argosy.console import experiments
from argosy.console.experiments import ExperimentsPage
from argosy.console.page import to_html
from argosy.errors import UsageError
from argosy.store import Store
from argosy.store.tracking import experiments as kept
from tests.console import tracks


def read(store: Store, **asked: str) -> ExperimentsPage:
    with store.read() as conn:
        return experiments.read(conn, **asked)


def test_each_is_told_with_its_runs_and_the_last_of_them(tracked_store: Store) -> None:
    found = {each.name: each for each in read(tracked_store).experiments}
    assert set(found) == {"tumours", "Default"}
    tumours = found["tumours"]
    assert (tumours.runs, tumours.deleted) == (21, 1)
    assert tumours.last is not None and (tumours.last.name, tumours.last.owner) == ("under way", "bo")
    assert found["Default"].last is None and found["Default"].runs == 0
    with tracked_store.read() as conn:
        html = to_html(experiments.page(conn, tracks.NOW))
    assert f'href="/tracked/{tumours.last.run}"' in html and 'href="/experiments?view=deleted"' in html


def test_the_trash_is_behind_a_link(tracked_store: Store) -> None:
    (gone,) = read(tracked_store, view="deleted").experiments
    assert gone.name == "gone" and gone.deleted_at is not None


def test_a_name_is_found_by_a_part_and_by_the_search_language(tracked_store: Store) -> None:
    for where in ("TUM", "name = tumours", "name LIKE 'tum%'"):
        assert [each.name for each in read(tracked_store, where=where).experiments] == ["tumours"]
    assert read(tracked_store, where="nothing").experiments == ()
    with pytest.raises(UsageError, match="colour"):
        read(tracked_store, where="colour = red")


def test_pages_neither_repeat_nor_miss_one(store: Store) -> None:
    with store.write() as tx:
        for number in range(experiments.SIZE + 3):
            kept.create(tx, f"e{number}", tracks.HAND)
    with store.read() as conn:
        first = experiments.read(conn)
        second = experiments.read(conn, cursor=first.next)
    names = [each.name for each in (*first.experiments, *second.experiments)]
    assert len(names) == len(set(names)) == experiments.SIZE + 3 and second.next is None
