"""The members that a spine has rows of, and how many labelled rows each has."""

from __future__ import annotations

from datetime import datetime

import msgspec
import polars as pl
from sqlalchemy import Connection

from argosy.controller.observe import Snapshot
from argosy.data.dtype import instant, parse_all
from argosy.data.part import frame
from argosy.features.trainingset import member
from argosy.spec.fleet import Fleet
from argosy.store import datasets
from argosy.store.store import Store

_Key = tuple[str, tuple[str, ...], tuple[str | None, ...], str, str | None]
"""Spine, key columns and their types (which a member key shows), label, and its known time."""

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
        """Labelled rows known at `now` by member key, 0 for a key whose labels are yet to come.

        A correction counts as a row.
        """
        version = snapshot.versions[fleet.spine]
        number = version.number
        types = tuple(version.columns.get(column) for column in fleet.by)
        key = (fleet.spine, fleet.by, types, fleet.label.column, fleet.label.known_at)
        known = self._settled.setdefault(key, _Settled())
        if known.until > number:
            known = self._settled[key] = _Settled()
        still_open = []
        for part in datasets.parts(conn, fleet.spine, number, since=known.until):
            if part.id in known.more:
                continue
            found, waiting = self._count(fleet, version, part, now)
            if waiting:
                still_open.append(found)
            else:
                known.more.add(part.id)
                known.rows = _added([known.rows, found])
        if not still_open:
            known.until, known.more = number, set()
        return dict(_added([known.rows, *still_open]).iter_rows())

    def _count(
        self, fleet: Fleet, version: datasets.Version, part: datasets.Part, now: datetime
    ) -> tuple[pl.DataFrame, int]:  # fmt: skip
        """Of each member in a part the rows whose label is known, and how many labels will be known only later.

        As `known_labels`: a label without a known time is never known. The part may lack columns of `version`.
        """
        there, late = pl.col(fleet.label.column).is_not_null(), pl.lit(False)
        if fleet.label.known_at:
            there &= pl.col(fleet.label.known_at).is_not_null()
            late = there & (pl.col(fleet.label.known_at) > instant(now))
        given = frame(self._store.blobs, [part], parse_all(version.columns))
        seen = given.select(*fleet.by, (there & ~late).alias("#known"), late.alias("#late")).collect()
        rows = seen.group_by(member(fleet.by).alias("member")).agg(rows=pl.col("#known").sum().cast(pl.Int64))
        return rows.drop_nulls("member"), int(seen["#late"].sum())


def _added(counts: list[pl.DataFrame]) -> pl.DataFrame:
    return pl.concat(counts).group_by("member", maintain_order=True).agg(pl.col("rows").sum())
