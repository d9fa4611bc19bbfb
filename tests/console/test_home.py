"""The first page."""

from __future__ import annotations

from argosy.console import home
from argosy.console.page import to_html, to_json
from argosy.store import Store
from tests.console import build, sailed


def test_a_home_of_pipelines_shows_them(sea: Store) -> None:
    with sea.read() as conn:
        page = home.page(conn, sailed.now(), sailed.now())
    html = to_html(page)
    assert "<h1>Pipelines</h1>" in html and "No fleet" not in html and sailed.EVIL not in html
    assert 'href="/runs/2"' in html and 'href="/runs/3"' in html and "paused" in html
    assert [(each.name, each.last and each.last.state) for each in page.data.pipelines] == [
        ("short", "succeeded"), ("voyage", "failed"),
    ]  # fmt: skip
    assert page.data.pipelines[1].next is not None and b'"pipelines"' in to_json(page)


def test_a_home_of_fleets_shows_those(shown: Store) -> None:
    with shown.read() as conn:
        html = to_html(home.page(conn, build.NOW, build.NOW))
    assert "<h1>Fleets</h1>" in html and "late-arrival" in html


def test_an_empty_home_says_what_is_next(store: Store) -> None:
    with store.read() as conn:
        html = to_html(home.page(conn, build.NOW, build.NOW))
    assert "No fleet and no pipeline is declared yet" in html and 'among the <a href="/runs">' in html
    assert 'among the <a href="/experiments">' in html
