"""Calendar parts of one time without a frame: the commonest request features, such as the local hour.

Polars stays the only judge of time zones: offsets come from it, a day at a time.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any

import msgspec
import polars as pl

_PARTS: Mapping[str, Callable[[datetime], int]] = {
    "Year": lambda at: at.year,
    "Month": lambda at: at.month,
    "Day": lambda at: at.day,
    "WeekDay": lambda at: at.isoweekday(),
    "Hour": lambda at: at.hour,
    "Minute": lambda at: at.minute,
    "Second": lambda at: at.second,
}
# Outside, an offset may change within a minute, or a local time leave the range of datetimes.
_FIRST, _LAST = 1973, 9000


class Part(msgspec.Struct, frozen=True):
    """A part of the time in `column`, in UTC or in the time zone `zone`."""

    column: str
    name: str
    zone: str | None

    def of(self, at: datetime) -> int | None:
        """The part of a UTC time, equal to the expression's; None where only the expression can say."""
        if self.zone is not None:
            offset = _offset(self.zone, at.date()) if _FIRST <= at.year <= _LAST else None
            if offset is None:
                return None
            at += offset
        return _PARTS[self.name](at)


def part(polars: str) -> Part | None:
    """The part that a serialised expression takes; None for any other expression."""
    match json.loads(polars):
        case {"Function": {"input": [inner], "function": {"TemporalExpr": str(name), **other}}} if (
            name in _PARTS and not other
        ):
            return _of(inner, name)
    return None


def _of(inner: Any, name: str) -> Part | None:
    match inner:
        case {"Column": str(column)}:
            return Part(column, name, None)
        case {
            "Function": {
                "input": [{"Column": str(column)}],
                "function": {"TemporalExpr": {"ConvertTimeZone": {"inner": str(zone)}}},
            }
        }:
            return Part(column, name, zone)
    return None


@lru_cache(maxsize=16_384)
def _offset(zone: str, day: date) -> timedelta | None:
    """What Polars adds to UTC in a zone throughout a UTC day; None on a day on which that changes, and for no zone."""
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    minutes = pl.datetime_range(start, start + timedelta(days=1), "1m", time_unit="us", eager=True)
    try:
        local = minutes.dt.convert_time_zone(zone).dt.replace_time_zone(None)
    except pl.exceptions.PolarsError:
        return None
    found = (local - minutes.dt.replace_time_zone(None)).unique().to_list()
    return found[0] if len(found) == 1 else None
