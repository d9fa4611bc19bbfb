"""Column types: instants as integers, JSON through msgspec, numbers that are never NaN."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import BigInteger, Double, Integer, Text
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

from argosy.errors import InputError

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_encode = msgspec.json.Encoder().encode

Identity = BigInteger().with_variant(Integer(), "sqlite")
"""A 64-bit id; on SQLite the row id itself."""

Name = Text().with_variant(Text(collation="C"), "postgresql")
"""Text that compares and sorts by its bytes, whatever the database's language."""


def to_micros(at: datetime | None) -> int | None:
    """Microseconds since 1970 UTC. A naive datetime raises `InputError`."""
    if at is None:
        return None
    if at.tzinfo is None:
        raise InputError(
            f"time {at.isoformat()} has no time zone", next="pass an aware datetime, such as datetime.now(UTC)"
        )
    return (at - EPOCH) // _MICROSECOND


def from_micros(value: int | None) -> datetime | None:
    """The aware UTC datetime of a count of microseconds since 1970."""
    return None if value is None else EPOCH + timedelta(microseconds=value)


def to_json(value: Any) -> str | None:
    """JSON text; NaN and infinities become null, None becomes SQL NULL."""
    return None if value is None else _encode(value).decode()


def from_json(text: str | None) -> Any:
    """The value that `to_json` wrote."""
    return None if text is None else msgspec.json.decode(text)


def to_number(value: float | None) -> float | None:
    """The value itself, or None for NaN: SQLite stores NaN as NULL, so every back end does."""
    return None if value is None or value != value else float(value)


class Instant(TypeDecorator[datetime]):
    """A moment: microseconds since 1970 UTC in the table, an aware datetime in Python."""

    impl = BigInteger
    cache_ok = True

    @property
    def python_type(self) -> type[datetime]:
        """What a cell holds in Python."""
        return datetime

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        """To the table."""
        return to_micros(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        """From the table."""
        return from_micros(value)


class Json(TypeDecorator[Any]):
    """A JSON value, kept as text on every back end."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        """To the table."""
        return to_json(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        """From the table."""
        return from_json(value)


class Number(TypeDecorator[float]):
    """A double; NaN is stored as NULL."""

    impl = Double
    cache_ok = True

    def process_bind_param(self, value: float | None, dialect: Dialect) -> float | None:
        """To the table."""
        return to_number(value)
