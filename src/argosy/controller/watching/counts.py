"""How many labelled rows each member has."""

from __future__ import annotations

from datetime import datetime

import polars as pl
from sqlalchemy import Connection

from argosy.controller.observe import Snapshot
from argosy.data.part import frame
from argosy.features.trainingset import member
from argosy.spec.fleet import Fleet
from argosy.store import datasets
from argosy.store.store import Store

_Key = tuple[str, tuple[str, ...], str, str | None]
_NONE = pl.DataFrame(schema={"member": pl.String, "rows": pl.Int64})


class Counts:
    """Labelled rows per member, counted part by part: a part whose labels are all known is never read again."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._settled: dict[_Key, tuple[frozenset[int], pl.DataFrame]] = {}

    def rows(self, conn: Connection, fleet: Fleet, snapshot: Snapshot, now: datetime) -> dict[str, int]:
        """Labelled rows known at `now` by member key; a correction counts as a row."""
        version = snapshot.versions[fleet.spine]
        parts = datasets.parts(conn, fleet.spine, version.number)
        key = (fleet.spine, fleet.by, fleet.label.column, fleet.label.known_at)
        settled, total = self._settled.get(key, (frozenset[int](), _NONE))
        if not settled <= {part.id for part in parts}:
            settled, total = frozenset[int](), _NONE
        still_open = []
        for part in parts:
            if part.id in settled:
                continue
            found, waiting = self._count(fleet, part, now)
            if waiting:
                still_open.append(found)
            else:
                settled, total = settled | {part.id}, _added([total, found])
        self._settled[key] = (settled, total)
        return dict(_added([total, *still_open]).iter_rows())

    def _count(self, fleet: Fleet, part: datasets.Part, now: datetime) -> tuple[pl.DataFrame, int]:
        given = frame(self._store.blobs, [part])
        late = pl.col(fleet.label.known_at) > now if fleet.label.known_at else pl.lit(False)
        seen = given.filter(pl.col(fleet.label.column).is_not_null()).select(*fleet.by, late=late).collect()
        known = seen.filter(~pl.col("late").fill_null(False))
        rows = known.group_by(member(fleet.by).alias("member")).agg(rows=pl.len().cast(pl.Int64)).drop_nulls("member")
        return rows, seen.height - known.height


def _added(counts: list[pl.DataFrame]) -> pl.DataFrame:
    return pl.concat(counts).group_by("member", maintain_order=True).agg(pl.col("rows").sum())
