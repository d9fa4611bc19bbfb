"""Clocks: always aware, in UTC, never going backwards."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from argosy.controller import clock
from argosy.controller.clock import ManualClock, SystemClock

START = datetime(2013, 1, 1, tzinfo=UTC)


def test_a_manual_clock_stands_still_until_it_is_moved() -> None:
    given = ManualClock(START.astimezone(timezone(timedelta(hours=5))))
    assert given.now() == given.now() == START
    assert given.now().tzinfo is UTC
    assert given.advance(timedelta(hours=1)) == START + timedelta(hours=1) == given.now()
    assert given.set(START + timedelta(hours=1)) == given.now()


def test_it_does_not_go_back() -> None:
    given = ManualClock(START)
    with pytest.raises(ValueError, match="cannot go back to 2012-12-31"):
        given.set(START - timedelta(days=1))
    with pytest.raises(ValueError, match="cannot go back"):
        given.advance(timedelta(seconds=-1))
    assert given.now() == START


def test_it_takes_aware_times_only() -> None:
    naive = datetime(2013, 1, 2)
    with pytest.raises(ValueError, match="no time zone"):
        ManualClock(naive)
    with pytest.raises(ValueError, match="no time zone"):
        ManualClock(START).set(naive)


def test_the_systems_clock_holds_while_it_is_set_back(monkeypatch: pytest.MonkeyPatch) -> None:
    given = SystemClock()
    before = given.now()
    assert timedelta() <= datetime.now(UTC) - before < timedelta(minutes=1)
    assert before.tzinfo is UTC

    class Early(datetime):
        """An hour ago."""

        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
            return before - timedelta(hours=1)

    monkeypatch.setattr(clock, "datetime", Early)
    assert given.now() == before
