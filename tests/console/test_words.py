from __future__ import annotations

from datetime import UTC, datetime

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
    ("value", "exact", "measured"),
    [
        (1100.0, "1,100", "1,100"), (900, "900", "900"), (1234567.0, "1,234,567", "1,234,567"), (0.05, "0.05", "0.05"),
        (1017.4321, "1,017.4321", "1,017.4"), (-0.000123456, "-0.000123456", "-0.00012346"),
        (336521.7, "336,521.7", "336,522"), (0.0, "0", "0"), (None, "—", "—"), (float("nan"), "—", "—"),
    ],
)  # fmt: skip
def test_a_limit_keeps_every_digit_and_a_measure_five(value: float | None, exact: str, measured: str) -> None:
    assert (words.exact(value), words.measure(value)) == (exact, measured)


@pytest.mark.parametrize(
    ("message", "left"),
    [
        ("2 of 9 members drifted on `x` (a, b and 3 more)", "2 of 9 members drifted on `x`"),
        ("score (own) fell (JFK/AA)", "score (own) fell"),
        ("nobody is named", "nobody is named"),
    ],
)
def test_members_that_are_listed_are_not_named_before(message: str, left: str) -> None:
    assert words.unnamed(message) == left


@pytest.mark.parametrize(
    ("subject", "kind", "link"),
    [
        ("late-arrival/JFK/AA", "promoted", "/members/late-arrival/JFK/AA"),
        ("late-arrival", "trained", "/fleets/late-arrival"),
        ("dataset:flights", "ingested", "/datasets/flights"), ("flights", "dataset.appended", "/datasets/flights"),
        ("watch:late-arrival", "failed", "/fleets/late-arrival"), ("view:conditions", "failed", None),
        ("pipeline:nightly", "alert.raised", "/runs?where=pipeline%3Anightly"),
        ("weather", "stale", "/datasets/weather"), ("weather", "fresh", "/datasets/weather"),
        ("flights", "applied", None), ("demo", "replayed", None), ("token:ci", "token.created", None),
    ],
)  # fmt: skip
def test_an_event_leads_to_what_has_a_page(subject: str, kind: str, link: str | None) -> None:
    assert links.subject(subject, kind) == link


def test_bytes_are_told_as_the_command_line_tells_them() -> None:
    assert [words.size(each) for each in (None, 12, 1536, 3 << 20)] == ["—", "12 B", "1.5 KiB", "3 MiB"]


def test_a_time_of_a_schedule_has_its_seconds() -> None:
    at = datetime(2013, 5, 23, 14, 5, tzinfo=UTC)
    assert [words.due(each) for each in (at, at.replace(second=30))] == ["2013-05-23 14:05", "2013-05-23 14:05:30"]
