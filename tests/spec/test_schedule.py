"""Schedules: when they come, what is due, and what is refused."""

from __future__ import annotations

import subprocess
import sys
from bisect import bisect_left, bisect_right
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from argosy.errors import DeclarationError
from argosy.spec import schedule
from argosy.spec.schedule import CatchUp, Cron, Every, Schedule, due, moment, show, times
from argosy.spec.span import Span

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
CHANGES = {
    "Europe/Berlin": (datetime(2013, 3, 31), datetime(2013, 10, 27)),
    "America/New_York": (datetime(2013, 3, 10), datetime(2013, 11, 3)),
    "America/Sao_Paulo": (datetime(2013, 2, 17), datetime(2013, 10, 20)),  # at midnight
    "America/Havana": (datetime(2013, 3, 10), datetime(2013, 11, 3)),  # midnight comes twice
    "America/St_Johns": (datetime(2011, 3, 13), datetime(2011, 11, 6)),  # a minute after midnight
    "Australia/Lord_Howe": (datetime(2013, 4, 7), datetime(2013, 10, 6)),  # by half an hour
    "UTC": (datetime(2012, 2, 29),),
}
"""Days on which clocks change, and a leap day."""

texts = st.builds(
    "{} {} {} * {}".format,
    st.sampled_from(["0", "30", "15,45", "*/20", "59"]), st.sampled_from(["*", "*/3", "0", "1,2", "2-4", "0,23", "6"]),
    st.sampled_from(["*", "L", "1,29", "*/2"]), st.sampled_from(["*", "SUN", "MON-FRI", "0#2"]),
)  # fmt: skip
detailed = st.builds(
    "{} {} {} {} {}".format,
    st.sampled_from(["*", "0", "1", "0,1", "29-31", "15,45", "*/15", "*/7", "59"]),
    st.sampled_from(["*", "*/2", "0", "1", "1-3", "0-1,23", "2", "23"]),
    st.sampled_from(["*", "*", "L", "6,13", "*/3"]), st.sampled_from(["*", "3", "3,4,10-11"]),
    st.sampled_from(["*", "SUN", "SAT,SUN", "0#2"]),
)  # fmt: skip
schedules = st.one_of(
    st.builds(Cron, texts, st.sampled_from(sorted(CHANGES))),
    st.builds(Every, st.sampled_from(["50m", "6h", "1d", "7d"])),
)
moments = st.builds(
    lambda day, seconds: day.replace(tzinfo=UTC) + timedelta(seconds=seconds),
    st.sampled_from(sorted(day for days in CHANGES.values() for day in days)),
    st.floats(-3 * 86_400, 3 * 86_400).map(lambda seconds: round(seconds, 1)),
)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def shown(found: list[datetime]) -> list[str]:
    assert {time.tzinfo for time in found} <= {UTC}
    return [f"{time:%m-%d %H:%M}" for time in found]


@pytest.mark.parametrize(
    ("text", "start", "expected"),
    [
        ("30 2 * * *", "2013-03-30", ["03-30 01:30", "03-31 01:00", "04-01 00:30"]),
        ("30 2 * * *", "2013-10-26", ["10-26 00:30", "10-27 00:30", "10-28 01:30"]),
        ("0 6 * * *", "2013-03-30", ["03-30 05:00", "03-31 04:00", "04-01 04:00"]),
        ("0 6 * * *", "2013-10-26", ["10-26 04:00", "10-27 05:00", "10-28 05:00"]),
        ("0,30 2,3 * * *", "2013-03-31", ["03-31 01:00", "03-31 01:30", "04-01 00:00", "04-01 00:30"]),
        ("*/30 2 * * *", "2013-03-31", ["04-01 00:00", "04-01 00:30", "04-02 00:00"]),
    ],
)
def test_clocks_that_change_in_berlin(text: str, start: str, expected: list[str]) -> None:
    after = utc(start) - HOUR
    assert shown(times(Cron(text, "Europe/Berlin"), after, after + 9 * DAY, len(expected))) == expected


@pytest.mark.parametrize("minute", range(0, 60, 10))
def test_an_hour_that_clocks_show_twice_is_asked_about_in_its_midst(minute: int) -> None:
    found, at = Cron("30 2 * * *", "Europe/Berlin"), utc("2013-10-27T01:00") + timedelta(minutes=minute)
    assert found.before(at) == utc("2013-10-27T00:30")
    assert schedule.next(found, at) == utc("2013-10-28T01:30")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0 0 29 2 *", ["2012-02-29", "2016-02-29", "2020-02-29"]),
        ("0 0 L 2 *", ["2012-02-29", "2013-02-28", "2014-02-28"]),
        ("0 0 * 2 WED#5", ["2012-02-29"]),
        ("0 0 1 2 SUN", ["2012-02-01", "2012-02-05", "2012-02-12"]),
        ("@yearly", ["2012-01-01", "2013-01-01"]),
    ],
)
def test_days_of_the_calendar(text: str, expected: list[str]) -> None:
    found = times(Cron(text), utc("2011-12-31"), utc("2021-01-01"), len(expected))
    assert [time.date().isoformat() for time in found] == expected


@given(st.integers(0, 59), st.integers(0, 23), st.sampled_from(sorted(CHANGES)), st.data())
def test_an_hour_that_is_named_comes_once_a_day(minute: int, hour: int, zone: str, data: st.DataObject) -> None:
    """Each day has one time: the first that its clocks show, or the end of the gap that skips it."""
    clock, middle = ZoneInfo(zone), data.draw(st.sampled_from(CHANGES[zone]))
    expected = []
    for day in range(-2, 4):
        wall = (middle + day * DAY).replace(hour=hour, minute=minute)
        while wall.replace(tzinfo=clock).astimezone(UTC).astimezone(clock).replace(tzinfo=None) != wall:
            wall += timedelta(minutes=1)
        expected.append(wall.replace(tzinfo=clock).astimezone(UTC))
    after = expected[0] - timedelta(seconds=data.draw(st.integers(1, 3600)))
    assert times(Cron(f"{minute} {hour} * * *", zone), after, expected[-1], 9) == expected


@given(st.sampled_from([1, 5, 7, 20, 30]), st.sampled_from(sorted(CHANGES)), moments)
def test_minutes_of_any_hour_go_on_as_time_does(step: int, zone: str, after: datetime) -> None:
    minute = after.replace(second=0, microsecond=0)
    minutes = [minute + timedelta(minutes=count) for count in range(1, 24 * 60)]
    expected = [time for time in minutes if time.astimezone(ZoneInfo(zone)).minute % step == 0]
    assert times(Cron(f"*/{step} * * * *", zone), after, minutes[-1], 2000) == expected


def comes(text: str, zone: str) -> bool:
    try:
        Cron(text, zone)
    except DeclarationError:
        return False
    return True


@settings(max_examples=50)
@given(detailed, st.sampled_from(sorted(CHANGES)), st.data())
def test_clocks_that_change_are_followed_minute_by_minute(text: str, zone: str, data: st.DataObject) -> None:
    """The text's times on clocks that never change, looked for on ones that do."""
    assume(comes(text, zone))
    clock, middle = ZoneInfo(zone), data.draw(st.sampled_from(CHANGES[zone])).replace(tzinfo=UTC)
    walls = [time.replace(tzinfo=None) for time in times(Cron(text), middle - 3 * DAY, middle + 4 * DAY, 20_000)]
    named = not any(field.startswith("*") for field in text.split()[:2])
    start, stop, latest, expected = middle - DAY, middle + 2 * DAY, datetime.min, []
    for at in (start + timedelta(minutes=minute) for minute in range(3 * 24 * 60 + 1)):
        wall = at.astimezone(clock).replace(tzinfo=None)
        before = latest if named else wall - timedelta(minutes=1)
        if at > start and bisect_right(walls, before) < bisect_right(walls, wall):
            expected.append(at)
        latest = max(latest, wall)
    found, at = Cron(text, zone), start + timedelta(seconds=data.draw(st.integers(0, 3 * 86_400)))
    assert times(found, start, stop, 20_000) == expected
    assert times(found, at, stop, 20_000) == expected[bisect_right(expected, at) :]
    if passed := expected[: bisect_left(expected, at)]:
        assert found.before(at) == passed[-1]


@given(schedules, moments)
def test_times_ascend_and_are_told_the_same_from_either_side(found: Schedule, after: datetime) -> None:
    ahead = times(found, after, after + 9 * DAY, 500)
    assert all(after < ahead[0] for _ in ahead[:1]) and all(one < other for one, other in pairwise(ahead))
    for one, other in list(pairwise(ahead))[:20]:
        assert schedule.next(found, one) == other
        assert found.before(other) == one
        assert found.before(other - (other - one) / 3) == one
        assert schedule.next(found, one + (other - one) / 3) == other


@given(schedules, moments, st.lists(st.integers(0, 100_000), min_size=1, max_size=5), st.integers(1, 30))
def test_a_line_of_time_in_pieces_has_the_same_times(
    found: Schedule, start: datetime, pieces: list[int], limit: int
) -> None:
    ends = [start]
    for seconds in pieces:
        ends.append(ends[-1] + timedelta(seconds=seconds))
    whole = times(found, start, ends[-1], 10_000)
    assert [time for one, other in pairwise(ends) for time in times(found, one, other, 10_000)] == whole
    assert times(found, start, ends[-1], limit) == whole[:limit]


def test_intervals_count_from_the_epoch() -> None:
    found = times(Every("6h"), utc("2013-01-01T05:59:59"), utc("2013-01-02"), 9)
    assert shown(found) == ["01-01 06:00", "01-01 12:00", "01-01 18:00", "01-02 00:00"]
    assert schedule.next(Every("1w"), utc("2013-01-01")).strftime("%A %H:%M") == "Thursday 00:00"
    assert Every("6h").before(utc("2013-01-01T06:00")) == utc("2013-01-01")
    assert Every("6h").before(utc("1969-12-31T17:00")) == utc("1969-12-31T12:00")


@given(schedules, st.sampled_from(["none", "last", "all"]), moments, st.lists(st.integers(0, 200_000), max_size=8))
def test_no_time_has_two_runs(found: Schedule, catch_up: CatchUp, since: datetime, pauses: list[int]) -> None:
    """A controller that looks now and then, and is killed before or after it recorded that a run was started."""
    now, last, started = since, None, list[Span]()
    for pause in pauses:
        now += timedelta(seconds=pause)
        asked = due(found, catch_up, last, since, now)
        assert asked == due(found, catch_up, last, since, now)
        for span in asked[: 1 if pause % 3 else len(asked)]:
            started.append(span)
            last = span.stop
        if asked and last == asked[-1].stop and len(asked) < schedule.MOST:
            assert due(found, catch_up, last, since, now) == []
    assert all(one.stop <= other.start for one, other in pairwise(started))
    everything = times(found, since, now, 10_000)
    assert {span.stop for span in started} <= set(everything)
    assert all(span.start == found.before(span.stop) for span in started)
    if catch_up == "all" and pauses:
        while left := due(found, catch_up, last, since, now):
            assert len(left) <= schedule.MOST
            started, last = [*started, *left], left[-1].stop
        assert [span.stop for span in started] == everything


@pytest.mark.parametrize(
    ("catch_up", "last", "since", "now", "expected"),
    [
        ("last", None, "2013-01-01T05:00", "2013-01-01T05:59", []),
        ("last", None, "2013-01-01T05:00", "2013-01-01T06:00", ["2012-12-31T06:00Z/2013-01-01T06:00Z"]),
        ("last", None, "2013-01-01T06:00", "2013-01-02T05:59", []),
        ("last", "2013-01-01T06:00", "2013-01-01", "2013-01-04T09:00", ["2013-01-03T06:00Z/2013-01-04T06:00Z"]),
        ("last", "2013-01-04T06:00", "2013-01-01", "2013-01-04T09:00", []),
        ("last", "2013-01-01T06:00", "2013-01-04T07:00", "2013-01-04T09:00", []),
        ("none", "2013-01-01T06:00", "2013-01-01", "2013-01-04T09:00", []),
        ("none", "2013-01-01T06:00", "2013-01-01", "2013-01-04T06:10", ["2013-01-03T06:00Z/2013-01-04T06:00Z"]),
        ("all", "2013-01-01T06:00", "2013-01-01", "2013-01-03T09:00",
         ["2013-01-01T06:00Z/2013-01-02T06:00Z", "2013-01-02T06:00Z/2013-01-03T06:00Z"]),
        ("all", "2013-01-01T06:00", "2013-01-02T12:00", "2013-01-03T09:00", ["2013-01-02T06:00Z/2013-01-03T06:00Z"]),
        ("all", None, "2013-01-01", "2013-01-01", []),
    ],
)  # fmt: skip
def test_what_is_due(catch_up: CatchUp, last: str | None, since: str, now: str, expected: list[str]) -> None:
    found = due(Cron("0 6 * * *"), catch_up, utc(last) if last else None, utc(since), utc(now))
    assert [str(span) for span in found] == expected


def test_one_look_makes_up_for_a_hundred_at_most() -> None:
    found = due(Every("1m"), "all", None, utc("2013-01-01"), utc("2013-01-02"))
    assert (len(found), found[0], found[-1].stop) == (
        100, Span.parse("2013-01-01/2013-01-01T00:01"), utc("2013-01-01T01:40")
    )  # fmt: skip


def test_how_late_a_run_may_start_is_given() -> None:
    late = due(Cron("0 6 * * *"), "none", None, utc("2013-01-01"), utc("2013-01-01T18:00"), grace=DAY)
    assert [span.stop for span in late] == [utc("2013-01-01T06:00")]


@pytest.mark.parametrize(
    ("given", "expected", "said"),
    [
        ("0 6 * * *", Cron("0 6 * * *"), "at 06:00 every day (UTC)"),
        ("  0  6 * *  mon-fri ", Cron("0 6 * * MON-FRI"), "at 06:00 on Monday through Friday (UTC)"),
        ("@daily", Cron("0 0 * * *"), "at 00:00 every day (UTC)"),
        ("24h", Every("1d"), "every 1d"),
        (" 6 h ", Every("6h"), "every 6h"),
        (Every("6h"), Every("6h"), "every 6h"),
        (
            Cron("0 6 * * *", zone="Europe/Berlin"),
            Cron("0 6 * * *", "Europe/Berlin"),
            "at 06:00 every day (Europe/Berlin)",
        ),
    ],
)
def test_a_schedule_has_one_form(given: Any, expected: Schedule, said: str) -> None:
    found = schedule.of(given)
    assert found is not None
    assert (found, show(found)) == (expected, said)
    assert msgspec.json.decode(msgspec.json.encode(found), type=Cron | Every) == found


def test_no_schedule_and_a_zone_beside_a_text() -> None:
    assert schedule.of(None) is None
    assert schedule.of("0 6 * * *", "Europe/Berlin") == Cron("0 6 * * *", "Europe/Berlin")


def test_a_time_that_clocks_skip_each_time_is_refused() -> None:
    """In Havana they go from 23:59 to 01:00 on the second Sunday of March, each year."""
    with pytest.raises(DeclarationError, match="that the clocks of America/Havana show within 50 years"):
        Cron("* 0 * 3 0#2", "America/Havana")
    assert shown(times(Cron("0 0 * 3 0#2", "America/Havana"), utc("2013-01-01"), utc("2014-01-01"), 9)) == [
        "03-10 05:00"
    ]


@pytest.mark.parametrize(
    ("text", "message", "next"),
    [
        ("0 24 * * *", "Cron.text is '0 24 * * *'; it must be with its hour, '24', from 0 to 23", "write '0 0 * * *'"),
        ("60 6 * * *", "with its minute, '60', from 0 to 59", "write '0 6 * * *'"),
        ("0 6 * * monday", "with its day of the week, 'MONDAY', from SUN to SAT, or 0 to 7", "write '0 6 * * MON'"),
        ("0 22-2 * * *", "with its hour, '22-2', from", "write '0 22-23,0-2 * * *'"),
        ("0 6 * nov-feb *", "with its month, 'NOV-FEB', from JAN to DEC", "write '0 6 * NOV-DEC,JAN-FEB *'"),
        ("0 6 32 * *", "with its day of the month, '32', from 1 to 31, L or LW for the last", "write '0 6 * * *' for"),
        ("*/0 * * * *", "with its minute, '*/0', from 0 to 59", "write '0 6 * * *' for 06:00 every day, or '6h' for"),
        ("0 0 30 2 *", "a time that comes within 50 years", "correct the days or the month"),
        ("0 0 6 * * *", "five fields in 256 characters: minute, hour, day of the month", "leave out the seconds"),
        ("daily", "five fields in 256 characters: minute, hour,", "write '0 6 * * *' for 06:00 every day"),
        ("@dialy", "Cron.text is '@dialy'; it must be one of @annually, @daily", "use '@daily'"),
        ("9" * 5000 + " * * * *", "9…; it must be five fields in 256 characters", "write '0 6 * * *'"),
        ("6 hours", "Every.interval is '6 hours'; it must be a duration", "write '6h'"),
        ("500ms", "Every.interval is '500ms'; it must be at least a second", "write '1s'"),
        (5, "schedule is 5; it must be a cron text, an interval such as '6h', ag.Cron or ag.Every", "pass a cron text"),
    ],
)
def test_refused(text: Any, message: str, next: str) -> None:
    with pytest.raises(DeclarationError) as caught:
        schedule.of(text)
    assert message in caught.value.message
    assert caught.value.next.startswith(next)
    assert len(caught.value.message) < 400


@pytest.mark.parametrize(
    ("given", "zone", "message"),
    [
        ("0 6 * * *", "Europe/Berln", "Cron.zone is 'Europe/Berln'; .*\n  next: use 'Europe/Berlin'"),
        ("6h", "Europe/Berlin", "zone is 'Europe/Berlin'; it must be left out where schedule is no cron text"),
        (Cron("0 6 * * *"), "Europe/Berlin", "next: write ag.Cron"),
        (None, "Europe/Berlin", "left out"),
    ],
)
def test_refused_zones(given: Any, zone: str, message: str) -> None:
    with pytest.raises(DeclarationError, match=message):
        schedule.of(given, zone)


def test_the_vocabulary_does_not_load_the_reader_of_cron_texts() -> None:
    look = "import sys, argosy.spec.schedule as s; s.Every('6h'); print('cronsim' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", look], text=True).strip() == "False"


def test_a_time_is_shown_to_the_second_where_it_has_any() -> None:
    start = datetime(2013, 1, 1, tzinfo=UTC)
    found = [moment(each) for each in times(Every("30s"), start, start + DAY, 2)]
    assert found == ["2013-01-01 00:00:30", "2013-01-01 00:01"]
    assert moment(datetime(2013, 1, 1, 6, tzinfo=ZoneInfo("Europe/Berlin"))) == "2013-01-01 05:00"
