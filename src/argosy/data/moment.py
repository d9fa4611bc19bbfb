"""Moments written as text: ISO 8601, with a zone or without."""

from __future__ import annotations

import polars as pl

_ISO = (
    r"^(?P<day>\d{4}-\d{2}-\d{2})(?:[T ](?P<clock>\d{2}:\d{2})(?P<second>:\d{2}(?:\.\d+)?)?)?"
    r"\s*(?P<zone>Z|z|UTC|[+-]\d{2}(?::?\d{2})?)?$"
)


def read(values: pl.Series) -> tuple[pl.Series, int | None]:
    """Texts as times: in UTC where they carry a zone, else as they stand; null where a text is no time.

    Also the index of the first time that carries a zone where the first of the column carries none, or the reverse.
    """
    parts = values.to_frame("text").select(pl.col("text").str.extract_groups(_ISO)).unnest("text")
    zone = pl.col("zone")
    sign = pl.when(zone.str.starts_with("-")).then(-1).otherwise(1)
    digits = zone.str.replace(":", "", literal=True)
    hours, minutes = (digits.str.slice(at, 2).cast(pl.Int64, strict=False).fill_null(0) for at in (1, 3))
    local = pl.concat_str(
        "day", pl.lit(" "), pl.col("clock").fill_null("00:00"), pl.col("second").fill_null(":00")
    ).str.to_datetime("%Y-%m-%d %H:%M:%S%.f", time_unit="us", strict=False)
    read = parts.select(
        local=local,
        utc=local - pl.duration(minutes=sign * (hours * 60 + minutes)),
        zoned=zone.is_not_null() & local.is_not_null(),
    )
    present = read["local"].is_not_null()
    zoned = read["zoned"]
    if not (zoned & present).any():
        return read["local"].alias(values.name), None
    if zoned.filter(present).all():
        return read["utc"].dt.replace_time_zone("UTC").alias(values.name), None
    first = bool(zoned.filter(present)[0])
    return read["local"].alias(values.name), int((present & (zoned != first)).arg_true()[0])
