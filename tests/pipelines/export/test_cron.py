"""Cron texts for other schedulers name the same times, or there are none."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import argosy as ag
from argosy.errors import InputError, UsageError
from argosy.pipelines.export.cron import check, gap, standard, universal
from argosy.spec.schedule import times
from tests.pipelines.export.night import at, nightly

_SINCE, _UNTIL = datetime(2025, 12, 20, tzinfo=UTC), datetime(2026, 4, 10, tzinfo=UTC)


def _field(low: int, high: int) -> st.SearchStrategy[str]:
    number = st.integers(low, high)
    some = st.lists(number, min_size=1, max_size=3).map(lambda found: ",".join(map(str, found)))
    ends = st.tuples(number, number).map(sorted)
    return st.just("*") | some | ends.map(lambda e: f"{e[0]}-{e[1]}") | st.integers(2, 9).map(lambda step: f"*/{step}")


CRONS = st.tuples(_field(0, 59), _field(0, 23), _field(1, 28), _field(1, 12), _field(0, 7)).map(" ".join)


def _named(schedule: object) -> list[datetime]:
    return times(schedule, _SINCE, _UNTIL, 300)  # type: ignore[arg-type]


@given(CRONS)
def test_the_same_times_in_plain_numbers(text: str) -> None:
    schedule = ag.Cron(text, "UTC")
    try:
        found = standard(at(nightly, schedule))
    except UsageError as error:
        assert "both of two days" in str(error)
        return
    assert found is not None
    check(found[0], "text")
    assert _named(ag.Cron(*found)) == _named(schedule)


@given(CRONS, st.sampled_from(["Asia/Tokyo", "Asia/Kolkata", "America/Phoenix", "Pacific/Kiritimati", "Europe/Berlin"]))
def test_the_same_times_in_utc(text: str, zone: str) -> None:
    schedule = ag.Cron(text, zone)
    try:
        found = universal(at(nightly, schedule))
    except UsageError:
        return
    assert found is not None
    check(found, "text")
    assert _named(ag.Cron(found)) == _named(schedule)


@pytest.mark.parametrize(
    ("text", "zone", "utc"),
    [
        ("30 1 * * MON-FRI", "Asia/Kolkata", "0 20 * * 0-4"),
        ("0 6 * * *", "Asia/Tokyo", "0 21 * * *"),
        ("15 * * * *", "Europe/Berlin", "15 * * * *"),
        ("0 22 1 * *", "America/Phoenix", None),
        ("0 6 * * *", "Europe/Berlin", None),
        ("0,30 6 * * *", "Asia/Kolkata", None),
    ],
)
def test_what_utc_can_say(text: str, zone: str, utc: str | None) -> None:
    order = at(nightly, ag.Cron(text, zone))
    if utc is not None:
        assert universal(order) == utc
        return
    with pytest.raises(UsageError, match="--unscheduled"):
        universal(order)


@pytest.mark.parametrize(
    ("interval", "text"),
    [
        ("1m", "* * * * *"), ("15m", "*/15 * * * *"), ("1h", "0 * * * *"), ("6h", "*/6"), ("1d", "0 0 * * *"),
        ("7d", "0 0 * * 4"), ("30s", None), ("7m", None), ("90m", None), ("2d", None), ("5h", None),
    ],
)  # fmt: skip
def test_intervals(interval: str, text: str | None) -> None:
    order = at(nightly, ag.Every(interval))
    if text is None:
        with pytest.raises(UsageError, match=f"schedule '{interval}' of pipeline nightly"):
            standard(order)
        return
    found = standard(order)
    assert found is not None and text in found[0] and found[1] == "UTC"
    assert _named(ag.Cron(found[0])) == _named(ag.Every(interval))


@pytest.mark.parametrize("text", ["0 0 L * *", "0 0 LW * *", "0 0 * * MON#1", "0 0 * * 5L", "0 0 */2 * MON"])
def test_what_only_our_cron_says_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="nightly"):
        standard(at(nightly, ag.Cron(text)))


@pytest.mark.parametrize(
    "text",
    [
        "", "* * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * * 13 *", "* * * * 7", "* * * * MON", "5-1 * * * *",
        "*/0 * * * *", "1/2 * * * *", "a * * * *", "1, * * * *", None,
    ],
)  # fmt: skip
def test_a_check_finds(text: object) -> None:
    with pytest.raises(InputError, match=r"^spec\.schedule is"):
        check(text, "spec.schedule")


@settings(max_examples=30)
@given(CRONS)
def test_the_gap_is_the_least_time_between_two(text: str) -> None:
    minutes, hours, *_ = text.split()
    found = times(ag.Cron(f"{minutes} {hours} * * *"), _SINCE, _UNTIL, 2 * 24 * 60)
    least = min(later - sooner for sooner, later in pairwise(found))
    assert timedelta(minutes=gap(text)) == least
