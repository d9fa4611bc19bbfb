"""Partitions: every moment of a range is in exactly one span."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from argosy.errors import DeclarationError
from argosy.spec import schedule
from argosy.spec.partition import MOST, WORDS, Range, bound, spans
from argosy.spec.schedule import Every

ZONES = ["UTC", "Europe/Berlin", "Asia/Kathmandu", "America/Sao_Paulo", "America/Havana", "Australia/Lord_Howe"]
LONGEST = {"hour": 1, "day": 1.1, "week": 7.1, "month": 31.1, "quarter": 92.1, "year": 366.1, "6h": 0.25, "90s": 0.01}
days = st.dates(date(2011, 12, 20), date(2014, 1, 10))
times = st.datetimes(datetime(2012, 12, 30), datetime(2014, 1, 2))


@pytest.mark.parametrize(
    ("start", "stop", "by", "zone", "expected"),
    [
        ("2013-01-01", "2013-03-31", "month", "UTC",
         ["2013-01-01/2013-02-01", "2013-02-01/2013-03-01", "2013-03-01/2013-04-01"]),
        ("2013-04-06T14:00Z", "2013-04-06T16:00Z", "hour", "Australia/Lord_Howe",
         ["2013-04-06T14:00Z/2013-04-06T15:00Z", "2013-04-06T15:00Z/2013-04-06T15:30Z",
          "2013-04-06T15:30Z/2013-04-06T16:00Z"]),
        ("2013-01-31", "2013-02-01", "month", "UTC", ["2013-01-31/2013-02-01", "2013-02-01/2013-02-02"]),
        ("2012-11-15", "2013-04-02", "quarter", "UTC",
         ["2012-11-15/2013-01-01", "2013-01-01/2013-04-01", "2013-04-01/2013-04-03"]),
        ("2012-12-31", "2013-01-08", "week", "UTC", ["2012-12-31/2013-01-07", "2013-01-07/2013-01-09"]),
        ("2013-01-02", "2013-01-06", "week", "UTC", ["2013-01-02/2013-01-07"]),
        ("2012-02-01", "2013-12-31", "year", "UTC", ["2012-02-01/2013-01-01", "2013-01-01/2014-01-01"]),
        ("2012-02-28", "2012-03-01", "day", "UTC",
         ["2012-02-28/2012-02-29", "2012-02-29/2012-03-01", "2012-03-01/2012-03-02"]),
        ("2013-03-30", "2013-03-31", "day", "Europe/Berlin",
         ["2013-03-29T23:00Z/2013-03-30T23:00Z", "2013-03-30T23:00Z/2013-03-31T22:00Z"]),
        ("2013-10-26", "2013-10-27", "day", "Europe/Berlin",
         ["2013-10-25T22:00Z/2013-10-26T22:00Z", "2013-10-26T22:00Z/2013-10-27T23:00Z"]),
        ("2013-10-20", "2013-10-20", "day", "America/Sao_Paulo", ["2013-10-20T03:00Z/2013-10-21T02:00Z"]),
        ("2011-12-29", "2011-12-31", "day", "Pacific/Apia",
         ["2011-12-29T10:00Z/2011-12-30T10:00Z", "2011-12-30T10:00Z/2011-12-31T10:00Z"]),
        ("2013-01-01T05:00", "2013-01-01T13:00", "6h", "UTC",
         ["2013-01-01T05:00Z/2013-01-01T06:00Z", "2013-01-01T06:00Z/2013-01-01T12:00Z",
          "2013-01-01T12:00Z/2013-01-01T13:00Z"]),
        ("2013-01-01T05:30", "2013-01-01T07:00", "hour", "Asia/Kathmandu",
         ["2012-12-31T23:45Z/2013-01-01T00:15Z", "2013-01-01T00:15Z/2013-01-01T01:15Z"]),
        ("2013-01-01T05:00Z", "2013-01-01T05:00:01Z", "year", "Europe/Berlin",
         ["2013-01-01T05:00Z/2013-01-01T05:00:01Z"]),
    ],
)  # fmt: skip
def test_spans(start: str, stop: str, by: str, zone: str, expected: list[str]) -> None:
    assert [str(span) for span in spans(bound(start, "--from"), bound(stop, "--to"), by, zone)] == expected


@given(st.tuples(times, times).filter(lambda pair: pair[0] != pair[1]), st.sampled_from(sorted(LONGEST)),
       st.sampled_from(ZONES))  # fmt: skip
def test_every_moment_is_in_one_span(pair: tuple[datetime, datetime], by: str, zone: str) -> None:
    start, stop = sorted(each.replace(tzinfo=UTC) for each in pair)
    stop = min(stop, start + timedelta(days=4)) if by in ("hour", "6h", "90s") else stop
    found = spans(start, stop, by, zone)
    assert (found[0].start, found[-1].stop) == (start, stop)
    assert all(one.stop == other.start for one, other in pairwise(found))
    assert all(span.stop - span.start <= timedelta(days=LONGEST[by]) for span in found)
    assert all(_begins(span.start, by, ZoneInfo(zone)) for span in found[1:])


def _begins(at: datetime, by: str, clock: ZoneInfo) -> bool:
    """Whether a moment is the first of a span: the moment before is in another one."""
    one, other = ((at - each).astimezone(clock) for each in (timedelta(), timedelta(microseconds=1)))
    match by:
        case "hour":
            return one.minute == 0 or one.utcoffset() != other.utcoffset()
        case "day":
            return one.date() != other.date()
        case "week":
            return one.isocalendar()[:2] != other.isocalendar()[:2]
        case "month":
            return one.month != other.month
        case "quarter":
            return (one.month - 1) // 3 != (other.month - 1) // 3
        case "year":
            return one.year != other.year
    return schedule.next(Every(by), at - timedelta(microseconds=1)) == at


@given(days, days, st.sampled_from([word for word in WORDS if word != "hour"]), st.sampled_from(ZONES))
def test_days_of_the_range_are_in_it_as_a_whole(one: date, other: date, by: str, zone: str) -> None:
    start, stop = sorted([one, other])
    found = spans(start, stop, by, zone)
    shown = [at.astimezone(ZoneInfo(zone)) for at in (found[0].start, found[-1].stop - timedelta(microseconds=1))]
    assert [at.date() for at in shown] == [start, stop]


def test_spans_of_a_duration_are_those_of_the_schedule() -> None:
    backfilled = spans(date(2013, 1, 1), date(2013, 1, 3), "6h", "Europe/Berlin")
    since, now = datetime(2012, 12, 31, 23, tzinfo=UTC), datetime(2013, 1, 3, 23, tzinfo=UTC)
    scheduled = schedule.due(Every("6h"), "all", None, since, now)
    assert backfilled[1:-1] == scheduled[1:]
    assert backfilled[0].stop == scheduled[0].stop


def test_a_range_has_ten_thousand_spans_at_most() -> None:
    start = datetime(2013, 1, 1, tzinfo=UTC)
    assert len(spans(start, start + MOST * timedelta(minutes=1), "1m")) == MOST
    with pytest.raises(DeclarationError, match=r"by is '1m'; it must be a partition that cuts 2013-01-01/.* 10,000"):
        spans(start, start + MOST * timedelta(minutes=1, seconds=1), "1m")


@pytest.mark.parametrize(
    ("start", "stop", "by", "zone", "message"),
    [
        ("2013-01-01", "2013-01-31", "months", "UTC", "by is 'months'; it must be one of hour, day, .*\n.*use 'month'"),
        ("2013-01-01", "2013-01-31", "fortnight", "UTC", "or a duration such as '6h'\n  next: use "),
        ("2013-01-01", "2013-01-31", "6 hours", "UTC", "by is '6 hours'; it must be a duration"),
        ("2013-01-01", "2013-01-31", "1ms", "UTC", "Every.interval is '1ms'; it must be at least a second"),
        ("2013-01-02", "2013-01-01T12:00", "day", "UTC", "Span.stop is '2013-01-01T12:00Z'; it must be after"),
        ("2013-01-03", "2013-01-01", "day", "UTC", "Span.stop is '2013-01-02'; it must be after its start, 2013-01-03"),
        ("2013-01-01", "2013-01-31", "day", "Europe/Berln", "zone is 'Europe/Berln'; .*\n  next: use 'Europe/Berlin'"),
        ("2013-01-01", "9999-12-31", "year", "UTC", "stop.year is 9999; it must be a number between 2 and 9998"),
        (
            "2013-01-32",
            "2013-03-01",
            "day",
            "UTC",
            "--from is '2013-01-32'; it must be an ISO date or time\n  next: wri",
        ),
    ],
)
def test_refused(start: str, stop: str, by: str, zone: str, message: str) -> None:
    with pytest.raises(DeclarationError, match=message):
        spans(bound(start, "--from"), bound(stop, "--to"), by, zone)


def test_a_range_is_cut_as_it_says_and_is_kept_as_json() -> None:
    range = Range(start="2013-01-01", stop="2013-02-28", by="month", zone="Europe/Berlin")
    assert range.spans() == spans(date(2013, 1, 1), date(2013, 2, 28), "month", "Europe/Berlin")
    assert msgspec.convert(msgspec.to_builtins(range), Range) == range
    with pytest.raises(DeclarationError, match="--to"):
        Range(start="2013-01-01", stop="soon", by="month").spans()
