"""Spans: what they hold, how they are written, and what is refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from argosy.errors import DeclarationError
from argosy.spec.span import Span

moments = st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=45))]),
                       min_value=datetime(1, 1, 3), max_value=datetime(9999, 12, 29))  # fmt: skip
NEW_YEAR, FEBRUARY = datetime(2013, 1, 1, tzinfo=UTC), datetime(2013, 2, 1, tzinfo=UTC)


@given(st.lists(moments, min_size=2, max_size=2, unique=True).map(sorted))
def test_text_and_json_give_the_span_back(bounds: list[datetime]) -> None:
    span = Span(*bounds)
    assert Span.parse(str(span)) == span == msgspec.json.decode(msgspec.json.encode(span), type=Span)
    assert [span.start, span.stop] == bounds
    assert {span.start.tzinfo, span.stop.tzinfo} == {UTC}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("2013-01-01/2013-02-01", "2013-01-01/2013-02-01"),
        (" 2013-01-01T00:00:00Z / 2013-01-01 06:00 ", "2013-01-01/2013-01-01T06:00Z"),
        ("2013-01-01T01:00+01:00/2013-01-01T06:00:07", "2013-01-01/2013-01-01T06:00:07Z"),
        ("2013-01-01T00:00:00.5/2013-01-02", "2013-01-01T00:00:00.500000Z/2013-01-02"),
    ],
)
def test_shown_in_its_shortest_form(text: str, shown: str) -> None:
    assert str(Span.parse(text)) == shown


def test_spans_are_in_the_order_of_time() -> None:
    late, early = Span.parse("2013-01-02/2013-01-03"), Span.parse("2013-01-01/2013-01-09")
    assert sorted([late, early]) == [early, late]


@pytest.mark.parametrize(
    "text", ["", "2013-01-01", "2013-01-01/", "2013-01-01/2013-01-32", "a/b", "2013-01-01/2013-01-02/2013-01-03", None]
)
def test_text_that_is_no_span_is_refused(text: Any) -> None:
    with pytest.raises(DeclarationError, match=r"^--over is .*; it must be .*\n  next: .*2013-01-01/2013-02-01"):
        Span.parse(text, "--over")


@pytest.mark.parametrize(
    ("start", "stop", "message"),
    [
        (FEBRUARY, NEW_YEAR, "Span.stop is '2013-01-01'; it must be after its start, 2013-02-01"),
        (NEW_YEAR, NEW_YEAR, "Span.stop is '2013-01-01'; it must be after its start"),
        (datetime(2013, 1, 1), FEBRUARY, "Span.start is '2013-01-01T00:00:00'; it must be a time with a zone"),
        (NEW_YEAR, 5, "Span.stop is 5; it must be datetime"),
        (datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=1))), FEBRUARY, "Span.start is .* between 0001-01-01 and"),
    ],
)
def test_bounds_that_are_none_are_refused(start: Any, stop: Any, message: str) -> None:
    with pytest.raises(DeclarationError, match=message):
        Span(start, stop)
