"""Messages: when they were taken, whatever their producer says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from argosy.serving.stream.message import taken

LAST = 253_402_300_799_999


@given(st.integers(-(2**63), 2**64))
def test_any_number_gives_a_time(milliseconds: int) -> None:
    found = taken(milliseconds)
    if -62_135_596_800_000 <= milliseconds <= LAST:
        assert found == datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)
    else:
        assert abs(datetime.now(UTC) - found) < timedelta(minutes=1)


def test_the_ends_of_time_are_times() -> None:
    assert taken(LAST).year == 9999 and abs(datetime.now(UTC) - taken(LAST + 1)) < timedelta(minutes=1)
