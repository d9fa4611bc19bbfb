"""Partitions: a range of time cut into spans, one for each run of a backfill."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from difflib import get_close_matches
from itertools import islice, pairwise, takewhile
from zoneinfo import ZoneInfo

from argosy.spec import check, duration
from argosy.spec.declared import Declared
from argosy.spec.schedule import Every
from argosy.spec.span import Span

MOST = 10_000
"""How many spans a range may be cut into."""

WORDS = ("hour", "day", "week", "month", "quarter", "year")
"""Partitions that end where a clock or a calendar says so; a week begins on Monday."""

_MONTHS = {"month": 1, "quarter": 3, "year": 12}
_MINUTE = timedelta(minutes=1)
_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)
_YEARS = (2, 9998)


class Range(Declared, frozen=True, kw_only=True):
    """A range of time that is to be cut into spans, as `spans` cuts it; `start` and `stop` are ISO dates or times."""

    start: str
    stop: str
    by: str
    zone: str = "UTC"

    def spans(self) -> list[Span]:
        """The spans. Raises DeclarationError."""
        return spans(bound(self.start, "--from"), bound(self.stop, "--to"), self.by, self.zone)


def spans(start: date, stop: date, by: str, zone: str = "UTC") -> list[Span]:
    """A range of time as spans that touch one another, ascending; the first and the last are clipped to the range.

    Either bound may be a day or a time. A day is in the range as a whole, on the clocks of `zone`: from 2013-01-01 to
    2013-03-31 are three months. A time is a bound itself, the stop not included; on those clocks where it has no zone.

    `by` is one of `WORDS`, or a duration such as `"6h"`: then the spans are those of the schedule `Every("6h")`. Raises
    DeclarationError; also for more than `MOST` spans.
    """
    check.zone("zone", zone)
    clock = ZoneInfo(zone)
    for field, bound in (("start", start), ("stop", stop)):
        check.between(f"{field}.year", bound.year, *_YEARS)
    whole = Span(_moment(start, clock), _moment(stop if isinstance(stop, datetime) else stop + _DAY, clock))
    inner = takewhile(lambda cut: cut < whole.stop, _cuts(whole.start, by, clock))
    bounds = [whole.start, *islice(inner, MOST), whole.stop]
    if len(bounds) - 1 > MOST:
        limit = f"a partition that cuts {whole} into at most {MOST:,} spans"
        raise check.fail("by", by, limit, "choose a longer one, or a shorter range")
    return [Span(*pair) for pair in pairwise(bounds)]


def bound(text: str, field: str) -> date:
    """`"2013-01-01"` as a day, `"2013-01-01T06:00"` as a time, for `spans`. Raises DeclarationError."""
    for kind in (date, datetime):
        try:
            return kind.fromisoformat(text.strip())
        except ValueError:
            continue
    raise check.fail(field, text, "an ISO date or time", "write '2013-01-01' or '2013-01-01T06:00Z'")


def _moment(bound: date, clock: ZoneInfo) -> datetime:
    at = bound if isinstance(bound, datetime) else datetime.combine(bound, time())
    return (at if at.tzinfo else at.replace(tzinfo=clock)).astimezone(UTC)


def _cuts(at: datetime, by: str, clock: ZoneInfo) -> Iterator[datetime]:
    """Where spans end, after a moment, ascending and without an end."""
    if by[:1].isdigit():
        return Every(duration.canonical(by, "by")).after(at)
    if by not in WORDS:
        near = get_close_matches(by, WORDS, 1)
        limit = f"one of {', '.join(WORDS)}, or a duration such as '6h'"
        raise check.fail("by", by, limit, f"use {near[0] if near else 'day'!r}")
    return _hours(at, clock) if by == "hour" else _midnights(at, by, clock)


def _hours(at: datetime, clock: ZoneInfo) -> Iterator[datetime]:
    while True:
        at += _HOUR
        wall = at.astimezone(clock)
        at -= timedelta(minutes=wall.minute, seconds=wall.second, microseconds=wall.microsecond)
        while at.astimezone(clock).utcoffset() != wall.utcoffset():  # clocks that change by half an hour
            at += _MINUTE
        yield at


def _midnights(at: datetime, by: str, clock: ZoneInfo) -> Iterator[datetime]:
    for day in _days(at.astimezone(clock).date(), by):
        if (cut := _moment(day, clock)) > at:  # a zone that crosses the date line leaves out a day
            at = cut
            yield at


def _days(day: date, by: str) -> Iterator[date]:
    """The days on which spans begin, from the one of the span that `day` is in."""
    if by in _MONTHS:
        length = _MONTHS[by]
        month = (day.year * 12 + day.month - 1) // length * length
        while True:
            yield date(month // 12, month % 12 + 1, 1)
            month += length
    day -= day.weekday() * _DAY if by == "week" else timedelta()
    while True:
        yield day
        day += 7 * _DAY if by == "week" else _DAY
