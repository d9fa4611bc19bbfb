"""The feed of events: a page holds some, like ones are one line, and older ones follow."""

from __future__ import annotations

import msgspec

from argosy.console import feed
from argosy.console.page import to_html
from argosy.store import Store, events
from tests.console import build


def test_a_page_holds_some_events_and_leads_to_older_ones_and_back(store: Store) -> None:
    noted = events.NewEvent(at=build.NOW, kind="a", subject="x", actor="ann", message="m")
    with store.write() as tx:
        events.add(tx, [msgspec.structs.replace(noted, kind="ab"[n % 2]) for n in range(feed.SIZE + 20)])
    with store.read() as conn:
        first = feed.read(conn)
        assert (len(first.lines), first.cursor, dict(first.kinds)) == (feed.SIZE, None, {"a": 35, "b": 35})
        rest = feed.read(conn, cursor=first.next)
        assert (len(rest.lines), rest.next) == (20, None)
        assert [line.id for line in (*first.lines, *rest.lines)] == list(range(feed.SIZE + 20, 0, -1))
        newest, older = (to_html(feed.page(conn, build.NOW, cursor=at)) for at in (None, first.next))
    assert 'rel="next"' in newest and 'rel="first"' not in newest
    assert 'rel="first" href="/events"' in older and 'rel="next"' not in older


def test_the_rows_of_views_are_told_of_where_they_are_asked_for(store: Store) -> None:
    about = ("weather", "conditions.features.0123456789ab", "dataset:weather")
    noted = [
        events.NewEvent(at=build.NOW, kind="dataset.appended", subject=each, actor="ann", message=each)
        for each in about
    ]
    with store.write() as tx:
        events.add(tx, noted)
    with store.read() as conn:
        found = {where: feed.read(conn, where=where) for where in ("", feed.VIEWS, "kind:dataset.appended")}
        told = {where: sorted(line.message for line in data.lines) for where, data in found.items()}
        html = {where: to_html(feed.page(conn, build.NOW, where=where)) for where in ("", feed.VIEWS)}
        assert sorted(line.message for line in feed.lines(conn)) == told[""]
    assert told == {"": [about[2], about[0]], feed.VIEWS: [about[1]], "kind:dataset.appended": sorted(about)}
    assert dict(found[""].kinds) == {"dataset.appended": 2}
    assert 'href="/events?where=subject%3A%2A.features.%2A">rows of views' in html[""]
    assert 'href="/events" aria-current="true">rows of views' in html[feed.VIEWS]


def test_what_a_message_begins_with_is_said_once(store: Store) -> None:
    with store.write() as tx:
        events.add(
            tx,
            [
                events.NewEvent(at=build.NOW, kind="dataset.appended", subject="tables", actor="ann", message=message)
                for message in ("tables@2: 5 rows added", "made anew")
            ],
        )
    with store.read() as conn:
        html = to_html(feed.page(conn, build.NOW))
    assert '<a href="/datasets/tables">tables</a></span>@2: 5 rows added</summary>' in html
    assert '<a href="/datasets/tables">tables</a></span> made anew</summary>' in html
