"""What one worker of the inference server takes on before it refuses."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from argosy.errors import InputError, UsageError

EVERYBODY = "*"
MAX_ROWS, MAX_COLUMNS, MAX_CELLS = 1_000_000, 4096, 16_000_000
"""Rows, columns and values of one request."""
MAX_ID = 256
"""Characters of the id that a request gives itself: it is kept with each of its rows."""
_DIGITS = 9


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Raises InputError for limits that cannot be meant.

    `concurrency` requests are scored by threads at once, `queue` more may wait for that, and none is taken whose wait
    would be above `wait_seconds`. A request has `timeout_seconds` in all, or less where it says so. `rows` are rows a
    second by the name of a caller, `*` for whoever is not named; without one there is no limit. Of them, each of
    several workers gives its part.
    """

    concurrency: int = 8
    queue: int = 64
    wait_seconds: float = 1.0
    timeout_seconds: float = 30.0
    rows: Mapping[str, float] = {}

    def __post_init__(self) -> None:
        for name, least in (("concurrency", 1), ("queue", 0), ("wait_seconds", 0.01), ("timeout_seconds", 0.1)):
            if not getattr(self, name) >= least:
                raise InputError(f"{name}={getattr(self, name)}", next=f"give {least} or more")
        for name, rate in self.rows.items():
            if not 0 < rate < float("inf"):
                raise InputError(f"{rate} rows a second for caller {name!r}", next="give more than 0")

    def seconds(self, asked: bytes | None) -> float:
        """The time of a request that asks for so many milliseconds; raises InputError for what is no number of them."""
        if asked is None:
            return self.timeout_seconds
        if not asked.isdigit() or len(asked) > _DIGITS or int(asked) == 0:
            raise InputError(
                f"argosy-timeout-ms is {asked[:20].decode('latin-1')!r}", next="give whole milliseconds, from 1 on"
            )
        return min(int(asked) / 1000, self.timeout_seconds)

    def part(self, workers: int) -> Limits:
        """Those of one of so many workers: together they give a caller what it may have."""
        return msgspec.structs.replace(self, rows={name: rate / workers for name, rate in self.rows.items()})

    def rate(self, caller: str) -> float | None:
        """Rows a second of a caller."""
        return self.rows.get(caller, self.rows.get(EVERYBODY))


def parse_rows(text: str) -> dict[str, float]:
    """`dashboard=500,*=10000` as rows a second by name; raises UsageError for what is not of this form."""
    found: dict[str, float] = {}
    for part in filter(None, (each.strip() for each in text.split(","))):
        name, _, rate = part.rpartition("=")
        try:
            found[name.strip()] = float(rate)
        except ValueError:
            found[name.strip()] = 0.0
        if not name.strip() or not 0 < found[name.strip()] < float("inf"):
            raise UsageError(
                f"{part[:60]!r} is no limit of rows a second for a caller",
                next="write NAME=ROWS, as in dashboard=500, and * for all others",
            )
    return found
