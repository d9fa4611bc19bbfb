"""The alerts page says each thing once."""

from __future__ import annotations

from argosy.console import alarm
from argosy.console.page import to_html
from argosy.store import Store
from tests.console import build


def test_an_alert_is_told_once_and_its_members_are_listed(shown: Store) -> None:
    with shown.read() as conn:
        html = to_html(alarm.page(conn, build.NOW))
    raised, _, past = html.partition("How they came and went")
    assert "35 members drifted on temp</h2>" in raised and "drifted on temp (EWR/VX, JFK/DL)" in past
    assert raised.count(">EWR/UA</a>") == 1 and "(EWR/UA)" not in raised
    assert raised.count("9d</time>") == 2 and "median" not in raised
