"""Observing: what is wanted and what is true, in a constant number of queries."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
import polars as pl
from sqlalchemy import Connection

from argosy.controller import signal
from argosy.controller.libraries import Libraries
from argosy.controller.wanted import Wanted
from argosy.data.dtype import INSTANT
from argosy.data.state import Staleness
from argosy.spec.document import Declaration
from argosy.spec.fleet import Fleet
from argosy.store import datasets, members, verdicts

_TIMES = ("version_at", "champion_since", "rollout_at", "execution_at")
_TYPES: dict[str, Any] = {
    "member_id": pl.Int64, "key": pl.String, "version_id": pl.Int64, "version_number": pl.Int64,
    "version_rows": pl.Int64, "version_key": pl.String, "version_signature": pl.String, "target": pl.String,
    "champion_id": pl.Int64, "champion_number": pl.Int64, "challenger_id": pl.Int64, "rollout_id": pl.Int64,
    "rollout_version_id": pl.Int64, "rollout_kind": pl.String, "rollout_state": pl.String,
    "rollout_share": pl.Float64, "execution_id": pl.Int64, "execution_key": pl.String,
    "execution_outcome": pl.String, "execution_reason": pl.String, "failures": pl.Int64,
    **dict.fromkeys(_TIMES, pl.Int64),
}  # fmt: skip
_SIGNALS = pl.Struct(dict.fromkeys(signal.ALL, pl.Float64))


class FleetState(msgspec.Struct, frozen=True):
    """What is true of one fleet: `table` has a row per member (see `table`), `watched` the last watch.

    `libraries` are the versions that it was ever trained with by the id of their fact, `installed` those of now.
    """

    fleet: Fleet
    revision: int
    table: pl.DataFrame
    undecided: verdicts.Undecided = verdicts.Undecided()
    segments: int = 0
    watched: str | None = None
    watched_at: datetime | None = None
    libraries: dict[int, Libraries] = {}
    installed: Libraries | None = None


class Snapshot(msgspec.Struct, frozen=True):
    """All that `plan` may look at. It holds no connection and no clock.

    `pending` says what each source offers, `unmatched` of those of files that match none why; `lacks` of datasets
    without a version why they have none, where that is known; `stale` of those whose newest event is older than their
    contract allows. Of views, `materialised` are those computed under their present code, with the version of their
    dataset, `outdated` those computed under other code alone, and `failed` says why one could not be computed.
    """

    wanted: dict[tuple[str, str], Wanted]
    versions: dict[str, datasets.Version]
    fleets: dict[str, FleetState]
    pending: dict[str, tuple[str, ...]] = {}
    unmatched: dict[str, tuple[str, str]] = {}
    blocked: dict[str, str] = {}
    lacks: dict[str, str] = {}
    materialised: dict[str, int] = {}
    outdated: frozenset[str] = frozenset()
    failed: dict[str, str] = {}
    stale: dict[str, Staleness] = {}

    def of(self, kind: type[Declaration]) -> list[Any]:
        """The declarations of one kind, by name."""
        return [each.declaration for each in self.wanted.values() if isinstance(each.declaration, kind)]


def table(conn: Connection, fleet: str) -> pl.DataFrame:
    """A row per member with everything a condition may ask; one query.

    The columns of `members.State` (instants as Datetime), a column per signal of `signal.ALL` (Float64, null where
    not known), and derived from them `pooled`, `trained_at` and `new_rows`.
    """
    columns = members.table(conn, fleet)
    signals = pl.Series(columns.pop("signals"), dtype=pl.String).str.json_decode(_SIGNALS)
    frame = pl.DataFrame(columns, schema={name: _TYPES[name] for name in columns})
    return derive(frame.hstack(signals.struct.unnest()))


def derive(frame: pl.DataFrame) -> pl.DataFrame:
    """Instants as Datetime, and the columns that follow from the others."""
    return frame.with_columns(
        *(pl.col(name).cast(INSTANT) for name in _TIMES),
        pooled=pl.col("key") == "*",
        trained_at=(pl.col(signal.TRAINED) * 1_000_000).cast(pl.Int64).cast(INSTANT),
        new_rows=pl.col(signal.ROWS) - pl.col(signal.TRAINED_ROWS).fill_null(0),
    )
