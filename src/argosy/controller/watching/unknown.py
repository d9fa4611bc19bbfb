"""Unknown keys: requests name them and no row of the spine does. They make no member, and are told of."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

import msgspec
import polars as pl
from sqlalchemy import Connection

from argosy.controller import signal
from argosy.controller.watching.answered import once
from argosy.controller.watching.asked import DAY
from argosy.data.dtype import instant
from argosy.spec.fleet import POOLED
from argosy.spec.quantity import plural
from argosy.store import signals

SHOWN = 5
_LONGEST = 60


class Unknown(msgspec.Struct, frozen=True):
    """How many rows of how many unknown keys came in within a day before the last watch, and were answered.

    `first` are those with the most rows, at most `SHOWN`, each with how many; they are printable and not long.
    """

    rows: int
    keys: int
    first: tuple[tuple[str, int], ...]

    def says(self, spine: str) -> str:
        """One sentence, which names no key."""
        keys = f"{plural(self.rows, 'row')} of {plural(self.keys, 'key')} that {spine} has no row of"
        return f"the pooled model answered {keys} in the last day"


def pool(rows: pl.DataFrame, known: Collection[str]) -> pl.DataFrame:
    """Recorded rows, of which those of unknown keys are the pooled model's."""
    mine = pl.col("member").is_in(list(known))
    return rows.with_columns(member=pl.when(mine).then("member").otherwise(pl.lit(POOLED)))


def measure(came: pl.DataFrame, known: Collection[str], now: datetime) -> dict[str, dict[str, Any]]:
    """The pooled model's signal, where there are unknown keys among rows as `answered.arrived` gives them."""
    recent = came.filter(
        pl.col("arrived") >= instant(now - DAY), pl.col("prediction").is_not_null(),
        ~pl.col("member").is_in(list(known)),
    )  # fmt: skip
    if recent.is_empty():
        return {}
    by_key = once(recent).group_by("member").len().sort("len", "member", descending=[True, False])
    first = tuple((_shown(key), rows) for key, rows in by_key.head(SHOWN).iter_rows())
    found = Unknown(int(by_key["len"].sum()), by_key.height, first)
    return {POOLED: {signal.UNKNOWN: float(found.rows), "body": msgspec.to_builtins(found)}}


def read(conn: Connection, table: pl.DataFrame) -> Unknown | None:
    """What the last watch told of a fleet with this table of members; None where it saw no unknown keys."""
    there = table.filter(pl.col("key") == POOLED, pl.col(signal.UNKNOWN) > 0)
    body = next(iter(signals.bodies(conn, signal.UNKNOWN, there["member_id"]).values()), None)
    return msgspec.convert(body, Unknown) if body else None


def _shown(key: str) -> str:
    """A key as people may see it: whoever asks chooses it, and a terminal obeys what is not printable."""
    cut = key if len(key) <= _LONGEST else f"{key[:_LONGEST]}…"
    return cut if cut.isprintable() else ascii(cut)[1:-1]
