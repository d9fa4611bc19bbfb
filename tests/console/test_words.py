from __future__ import annotations

import pytest

from argosy.console import links, words


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("drifted on `temp` and `hour`", "drifted on <code>temp</code> and <code>hour</code>"),
        ("<b>`<i>`", "&lt;b&gt;<code>&lt;i&gt;</code>"),
        ("a ` alone", "a ` alone"),
        ("`a\nb`", "`a\nb`"),
        ("", ""),
    ],
)
def test_what_stands_between_backticks_is_code_and_nothing_is_markup(text: str, html: str) -> None:
    assert words.coded(text) == html


@pytest.mark.parametrize(
    ("subject", "kind", "link"),
    [
        ("late-arrival/JFK/AA", "promoted", "/members/late-arrival/JFK/AA"),
        ("late-arrival", "trained", "/fleets/late-arrival"),
        ("dataset:flights", "ingested", "/datasets/flights"), ("flights", "dataset.appended", "/datasets/flights"),
        ("watch:late-arrival", "failed", "/fleets/late-arrival"), ("view:conditions", "failed", None),
        ("flights", "applied", None), ("demo", "replayed", None), ("token:ci", "token.created", None),
    ],
)  # fmt: skip
def test_an_event_leads_to_what_has_a_page(subject: str, kind: str, link: str | None) -> None:
    assert links.subject(subject, kind) == link
