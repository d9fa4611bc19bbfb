"""A part of one time equals what its expression gives, in every zone and at every change of its offset."""

from __future__ import annotations

import zoneinfo
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from argosy.serving.part import Part, part

ZONES = sorted({"America/New_York", "America/St_Johns", "Asia/Kathmandu", "Australia/Lord_Howe", "Africa/Monrovia",
                "Pacific/Apia", "Africa/Casablanca", "Asia/Gaza", "UTC"} & zoneinfo.available_timezones())  # fmt: skip
NAMES = ("year", "month", "day", "weekday", "hour", "minute", "second")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ANY = st.datetimes(datetime(1, 1, 3), datetime(9999, 12, 29)).map(lambda each: each.replace(tzinfo=UTC))
_NEAR = st.datetimes(datetime(1970, 1, 1), datetime(2040, 1, 1)).map(lambda each: each.replace(tzinfo=UTC))


def expression(name: str, zone: str | None) -> pl.Expr:
    """As a project writes it."""
    column = pl.col("t") if zone is None else pl.col("t").dt.convert_time_zone(zone)
    return getattr(column.dt, name)()  # type: ignore[no-any-return]


def read(name: str, zone: str | None) -> Part:
    found = part(expression(name, zone).meta.serialize(format="json"))
    assert found is not None and found.zone == zone
    return found


def truth(name: str, zone: str | None, moments: list[datetime]) -> list[int]:
    whole = [(at - _EPOCH) // timedelta(microseconds=1) for at in moments]
    frame = pl.DataFrame({"t": pl.Series(whole, dtype=pl.Datetime("us", "UTC"))})
    return frame.select(expression(name, zone)).to_series().to_list()


@given(st.sampled_from(NAMES), st.sampled_from([None, *ZONES]), _ANY | _NEAR)
def test_a_part_equals_its_expression_or_leaves_it_to_polars(name: str, zone: str | None, at: datetime) -> None:
    assert read(name, zone).of(at) in (None, *truth(name, zone, [at]))


def test_a_common_year_is_answered_without_polars_but_for_the_days_on_which_the_clock_changes() -> None:
    moments = [datetime(2013, 1, 1, tzinfo=UTC) + timedelta(minutes=47 * i) for i in range(11_000)]
    found = [read("hour", "America/New_York").of(at) for at in moments]
    wanted = truth("hour", "America/New_York", moments)
    left = {at.date().isoformat() for at, value in zip(moments, found, strict=True) if value is None}
    assert left == {"2013-03-10", "2013-11-03"}
    assert all(value in (None, right) for value, right in zip(found, wanted, strict=True))


@pytest.mark.parametrize(
    "other",
    [
        pl.col("t").dt.quarter(),
        pl.col("t").dt.hour() + 1,
        pl.col("t").dt.hour().cast(pl.Float64),
        pl.col("t").dt.truncate("1h"),
        pl.col("t").dt.replace_time_zone("America/New_York").dt.hour(),
        (pl.col("t") + pl.duration(hours=1)).dt.hour(),
        pl.col("t"),
        pl.lit(1),
    ],
)
def test_any_other_expression_is_left_to_polars(other: pl.Expr) -> None:
    assert part(other.meta.serialize(format="json")) is None


def test_a_zone_that_does_not_exist_is_left_to_polars_to_refuse() -> None:
    assert Part("t", "Hour", "Mars/Base").of(datetime(2013, 1, 1, tzinfo=UTC)) is None
