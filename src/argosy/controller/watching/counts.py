"""How many labelled rows each member has."""

from __future__ import annotations

from datetime import datetime

import msgspec
import polars as pl
from sqlalchemy import Connection

from argosy.controller.observe import Snapshot
from argosy.data.dtype import instant
from argosy.data.part import frame
from argosy.features.trainingset import member
from argosy.spec.fleet import Fleet
from argosy.store import datasets
from argosy.store.store import Store

_Key = tuple[str, tuple[str, ...], str, str | None]
_TYPES = {"member": pl.String, "rows": pl.Int64}


class _Settled(msgspec.Struct):
    """Parts whose labels are all known: those of versions up to `until`, and `more`; their `rows` by member."""

    until: int = 0
    more: set[int] = set()
    rows: pl.DataFrame = pl.DataFrame(schema=_TYPES)


class Counts:
    """Labelled rows per member, counted part by part: a part whose labels are all known is never read again."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._settled: dict[_Key, _Settled] = {}

    def rows(self, conn: Connection, fleet: Fleet, snapshot: Snapshot, now: datetime) -> dict[str, int]:
        """Labelled rows known at `now` by member key; a correction counts as a row."""
        number = snapshot.versions[fleet.spine].number
        key = (fleet.spine, fleet.by, fleet.label.column, fleet.label.known_at)
        known = self._settled.setdefault(key, _Settled())
        if known.until > number:
            known = self._settled[key] = _Settled()
        still_open = []
        for part in datasets.parts(conn, fleet.spine, number, since=known.until):
            if part.id in known.more:
                continue
            found, waiting = self._count(fleet, part, now)
            if waiting:
                still_open.append(found)
            else:
                known.more.add(part.id)
                known.rows = _added([known.rows, found])
        if not still_open:
            known.until, known.more = number, set()
        return dict(_added([known.rows, *still_open]).iter_rows())

    def _count(self, fleet: Fleet, part: datasets.Part, now: datetime) -> tuple[pl.DataFrame, int]:
        given = frame(self._store.blobs, [part])
        late = pl.col(fleet.label.known_at) > instant(now) if fleet.label.known_at else pl.lit(False)
        seen = given.filter(pl.col(fleet.label.column).is_not_null()).select(*fleet.by, late=late).collect()
        known = seen.filter(~pl.col("late").fill_null(False))
        rows = known.group_by(member(fleet.by).alias("member")).agg(rows=pl.len().cast(pl.Int64)).drop_nulls("member")
        return rows, seen.height - known.height


def _added(counts: list[pl.DataFrame]) -> pl.DataFrame:
    return pl.concat(counts).group_by("member", maintain_order=True).agg(pl.col("rows").sum())
