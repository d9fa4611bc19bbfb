"""The alerts page says each thing once."""

from __future__ import annotations

import msgspec

from argosy.console import alarm, home
from argosy.console.page import to_html
from argosy.store import Store, alerts
from tests.console import build


def test_an_alert_is_told_once_and_its_members_are_listed(shown: Store) -> None:
    with shown.read() as conn:
        html = to_html(alarm.page(conn, build.NOW))
    raised, _, past = html.partition("How they came and went")
    assert "35 members drifted on temp</h2>" in raised and "drifted on temp (EWR/VX, JFK/DL)" in past
    assert raised.count(">EWR/UA</a>") == 1 and "(EWR/UA)" not in raised
    assert raised.count("9d</time>") == 2 and "median" not in raised


def test_what_came_and_went_is_paged_and_what_is_raised_is_told_on_the_first_page(store: Store) -> None:
    raised = alerts.NewAlert(fleet="late", name="drift/x", cause="x", state="raised", at=build.NOW, message="x drifted")
    gone = msgspec.structs.replace(raised, state="resolved")
    with store.write() as tx:
        alerts.add(tx, [raised, gone] * alarm.SIZE + [raised])
    with store.read() as conn:
        first = alarm.read(conn)
        found, pages = list(first.past), [first]
        while pages[-1].next:
            pages.append(alarm.read(conn, cursor=pages[-1].next))
            found += pages[-1].past
        assert [len(page.past) for page in pages] == [alarm.SIZE, alarm.SIZE, 1]
        assert [item["id"] for item in found] == list(range(2 * alarm.SIZE + 1, 0, -1))
        newest, older = (to_html(alarm.page(conn, build.NOW, fleet="late", cursor=page.cursor)) for page in pages[:2])
    assert "<h2>x drifted</h2>" in newest and "<h2>x drifted</h2>" not in older
    assert 'rel="first" href="/alerts?fleet=late"' in older and 'rel="next"' in older


def test_an_alert_of_a_pipeline_leads_to_its_runs(store: Store) -> None:
    body = {"severity": "critical", "since": build.START.isoformat(), "run": 7, "failures": 2, "reason": "<no>"}
    raised = alerts.NewAlert(
        fleet=alerts.NO_FLEET, name="pipeline/nightly", cause="nightly", state=alerts.RAISED, at=build.NOW,
        message="pipeline nightly has failed: <no>", body=body,
    )  # fmt: skip
    with store.write() as tx:
        alerts.add(tx, [raised])
    with store.read() as conn:
        html = to_html(alarm.page(conn, build.NOW))
        brief = to_html(home.page(conn, build.NOW, build.NOW))
    assert html.count('<a href="/runs?where=pipeline%3Anightly">nightly</a>') == 2
    assert '<a href="/runs/7">run 7</a>' in html and "/fleets/" not in html and "<no>" not in html
    assert '<li class="critical">pipeline nightly has failed: &lt;no&gt;</li>' in brief
