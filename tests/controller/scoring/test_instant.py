"""Times of rows are brought to UTC as Python reads each of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from argosy.controller.scoring.instant import instants
from argosy.data.dtype import INSTANT
from argosy.errors import InputError

BERLIN = "Europe/Berlin"
_TIMES = st.datetimes(datetime(2000, 1, 1), datetime(2040, 1, 1))
_OFFSETS = st.none() | st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(st.lists(st.none() | st.tuples(_TIMES, _OFFSETS, st.sampled_from(["T", " "])), max_size=20))
def test_texts_with_offsets_and_without_may_stand_in_one_column(
    given: list[tuple[datetime, timezone | None, str]],
) -> None:
    zone = ZoneInfo(BERLIN)
    kept = [
        each for each in given
        if each is None or each[1] or each[0].replace(tzinfo=zone).astimezone(UTC).astimezone(zone).replace(
            tzinfo=None) == each[0]
    ]  # fmt: skip
    texts = [None if each is None else each[0].replace(tzinfo=each[1]).isoformat(each[2]) for each in kept]
    found = instants(pl.DataFrame({"t": pl.Series(texts, dtype=pl.String)}), ["t", "u"], BERLIN)["t"]
    expected = [None if each is None else each[0].replace(tzinfo=each[1] or zone).astimezone(UTC) for each in kept]
    assert found.dtype == INSTANT and found.to_list() == expected


def test_what_is_no_time_or_has_no_zone_is_refused_with_its_row() -> None:
    texts = pl.DataFrame({"t": ["2024-07-01T12:00:00Z", None, "2024-03-31T02:30:00", "at noon"]})
    with pytest.raises(InputError, match=r"'t' holds 'at noon', wanted a time with its offset \(row 104\)"):
        instants(texts, ["t"], None, 100)
    with pytest.raises(InputError, match="'t' holds 2024-03-31 02:30:00, wanted a time with its offset"):
        instants(texts.head(3), ["t"], None)
    with pytest.raises(InputError, match="02:30:00 in row 103, which does not exist in Europe/Berlin"):
        instants(texts.head(3), ["t"], BERLIN, 100)
    days = pl.DataFrame({"t": [datetime(2024, 7, 1).date()]})
    assert instants(days, ["t"], BERLIN)["t"].to_list() == [datetime(2024, 6, 30, 22, tzinfo=UTC)]
    zoned = pl.DataFrame({"t": pl.Series([datetime(2024, 7, 1)], dtype=pl.Datetime("ms", BERLIN))})
    assert instants(zoned, ["t"], None)["t"].dtype == INSTANT
