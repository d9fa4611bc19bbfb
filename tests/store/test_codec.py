"""What goes into a column comes out of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from argosy.errors import InputError
from argosy.store import codec

zones = st.integers(-23, 23).map(lambda hours: timezone(timedelta(hours=hours)))


@given(st.datetimes(datetime(2, 1, 1), datetime(9998, 1, 1), timezones=zones))
def test_a_moment_keeps_its_microsecond(at: datetime) -> None:
    back = codec.from_micros(codec.to_micros(at))
    assert back == at
    assert back is not None
    assert back.tzinfo is UTC


def test_a_time_without_zone_is_refused() -> None:
    with pytest.raises(InputError, match="2013-01-01T00:00:00 has no time zone"):
        codec.to_micros(datetime(2013, 1, 1))


def test_what_is_no_number_becomes_nothing() -> None:
    assert codec.to_number(float("nan")) is None
    assert codec.to_number(None) is None
    assert codec.to_number(2) == 2.0
    assert codec.from_json(codec.to_json({"a": float("inf"), "b": [1]})) == {"a": None, "b": [1]}
    assert codec.to_json(None) is codec.from_json(None) is None
