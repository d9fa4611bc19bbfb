"""A source of delays by airport, and what is read of it."""

from __future__ import annotations

import polars as pl

from argosy.features.join import Source
from argosy.features.online import Online
from tests.features.oracle import moment

BOARDS = Source("boards", ("airport",), "event", "known", ("delay",))


def board(*rows: tuple[str, int, int, float]) -> pl.DataFrame:
    """Rows of (airport, minute of the event, minute known, delay)."""
    return pl.DataFrame(
        {
            "airport": [row[0] for row in rows],
            "event": [moment(row[1]) for row in rows],
            "known": [moment(row[2]) for row in rows],
            "delay": [row[3] for row in rows],
        }
    )


def delays(online: Online, at: int, *airports: str) -> list[float | None]:
    return online.read([BOARDS], {"airport": airports}, moment(at))["delay"].to_list()
