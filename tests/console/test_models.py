"""Registered models: the list, and one of them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from argosy.console import models
from argosy.console.page import to_html
from argosy.errors import UnknownError, UsageError
from argosy.store import Store
from argosy.store.models import aliases, registered, versions
from argosy.store.tracking.changes import Hand
from tests.console.tracks import EVIL, HAND, NOW


@pytest.fixture
def shelf(store: Store) -> Store:
    """Two models; `tumour` has three versions, of which two are pointed at."""
    later = Hand("bo", NOW)
    with store.write() as tx:
        registered.create(tx, "empty", HAND)
        made = registered.create(tx, "tumour", HAND, f"benign or not {EVIL}", {"team": "vision"})
        for number in range(3):
            made = registered.get(tx, "tumour")
            versions.create(tx, made, f"runs:/{number}/model", HAND, run=f"{number}" * 32, tags={"depth": str(number)})
        made = registered.get(tx, "tumour")
        aliases.put(tx, made, "champion", 2, HAND)
        aliases.put(tx, made, "champion", 3, later, reason="the better one")
        versions.move(tx, versions.get(tx, made, 1), versions.ARCHIVED, later)
    return store


def test_models_are_listed_with_what_points_at_their_versions(shelf: Store) -> None:
    with shelf.read() as conn:
        page = models.index(conn, NOW)
        found = {each.name: each for each in page.data.models}
        assert [each.name for each in models.index(conn, NOW, where="TUM").data.models] == ["tumour"]
        assert [each.name for each in models.index(conn, NOW, where="tags.team = vision").data.models] == ["tumour"]
        with pytest.raises(UsageError):
            models.index(conn, NOW, where="colour = red")
    assert found["tumour"].aliases == {"champion": 3} and found["tumour"].stages == {"Archived": 1}
    assert found["tumour"].last == 3 and found["empty"].last == 0
    html = to_html(page)
    assert html.count("<script") == 1 and 'href="/models/tumour"' in html


def test_a_model_is_shown_with_its_versions_and_changes(shelf: Store) -> None:
    with shelf.read() as conn:
        page = models.page(conn, "tumour", NOW + timedelta(hours=1))
        with pytest.raises(UnknownError):
            models.page(conn, "none", NOW)
    assert [(each.number, each.aliases, each.stage) for each in page.data.versions] == [
        (3, ("champion",), "None"), (2, (), "None"), (1, (), "Archived"),
    ]  # fmt: skip
    assert page.data.versions[0].tags == {"depth": "2"} and page.data.tags == {"team": "vision"}
    (moved,) = [each for each in page.data.changes if each.reason]
    assert (moved.before, moved.after, moved.actor, moved.reason) == ("2", "3", "bo", "the better one")
    html = to_html(page)
    assert '<p class="facts"><span class="pair">depth <code>2</code></span></p></td>' in html
    assert f'href="/tracked/{"2" * 32}"' in html and "&lt;script&gt;" in html and html.count("<script") == 1


def test_the_moment_at_which_it_was_deleted_is_told_as_others_are(shelf: Store) -> None:
    with shelf.write() as tx:
        registered.delete(tx, registered.get(tx, "empty"), HAND, "tried")
        (gone, at), *_ = registered.trashed(tx, "empty")
        registered.restore(tx, gone, at, HAND)
        html = to_html(models.page(tx, "empty", NOW))
    assert html.count(f'<span class="subject">deleted</span> <code>{at:%Y-%m-%d %H:%M}</code>') == 2


def test_versions_come_a_page_at_a_time(store: Store) -> None:
    with store.write() as tx:
        registered.create(tx, "many", HAND)
        for _ in range(models.SIZE + 2):
            versions.create(tx, registered.get(tx, "many"), "mlflow-artifacts:/1", HAND)
    with store.read() as conn:
        first = models.page(conn, "many", NOW).data
        second = models.page(conn, "many", NOW, cursor=first.next).data
    numbers = [each.number for each in (*first.versions, *second.versions)]
    assert numbers == list(range(models.SIZE + 2, 0, -1)) and second.next is None
