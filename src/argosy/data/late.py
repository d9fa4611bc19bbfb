"""Rows that a query gives once more: those of the last value of its cursor, and those without one."""

from __future__ import annotations

from collections.abc import Set

import msgspec
import polars as pl

from argosy.data import dtype, ledger, part
from argosy.data.state import REJECTED
from argosy.spec.dataset import Dataset
from argosy.store import Store, datasets
from argosy.store.datasets import QUARANTINE, Part

_PLACE = "__place"


class _Pair(msgspec.Struct, frozen=True):
    """Rows of one part, and those that may be among them, in the same columns and types."""

    before: pl.DataFrame
    here: pl.DataFrame

    def meets(self, name: str) -> bool:
        """Whether both hold a value of a column."""
        return not self.before.join(self.here, on=name, how="semi", nulls_equal=True).is_empty()

    def without(self, told: Set[str]) -> pl.Series:
        """The places of the rows that are not in the part, told apart by these columns."""
        names = [name for name in self.here.columns if name in told]
        numbered = self.here.with_row_index(_PLACE)
        return numbered.join(self.before, on=names, how="anti", nulls_equal=True)[_PLACE]


def unseen(store: Store, dataset: Dataset, cursor: str, rows: pl.DataFrame) -> pl.DataFrame:
    """The rows that were not taken before, whatever became of those that were: in, set aside, rejected, or kept back.

    A row is known by its cursor and its key; without a key by all columns, but for those that read differently each
    time: of which no value that was there before is there now.
    """
    found = [
        _matched(rows, part.frame(store.blobs, [each]), dataset.key, cursor) for each in _taken(store, dataset.name)
    ]
    pairs = [pair for pair in found if pair is not None]
    told = {name for pair in pairs for name in pair.here.columns if dataset.key or pair.meets(name)}
    fresh = pl.Series(range(rows.height), dtype=pl.UInt32)
    for pair in pairs:
        fresh = fresh.filter(fresh.is_in(pair.without(told).implode()))
    return rows[fresh]


def _taken(store: Store, name: str) -> list[Part]:
    """The parts with all rows that ever came, those of no version too."""
    with store.read() as conn:
        version = datasets.version(conn, name)
        number = version.number if version else 1
        found = datasets.cover(conn, name, number)
        for purpose in (QUARANTINE, REJECTED, ledger.WAITING):
            found += datasets.parts(conn, name, number, purpose=purpose)
    return found


def _matched(rows: pl.DataFrame, stored: pl.LazyFrame, key: tuple[str, ...], cursor: str) -> _Pair | None:
    """What is stored with a cursor of the rows, and the rows, in types that hold both; None where nothing is."""
    held = stored.collect_schema()
    wanted = dict.fromkeys((cursor, *key)) if key else [name for name in rows.columns if name in held]
    kinds = {name: dtype.wider(rows.schema[name], held[name]) for name in wanted if name in held}
    casts = [pl.col(name).cast(kind) for name, kind in kinds.items() if kind is not None]
    if not {cursor, *key} <= kinds.keys() or len(casts) < len(kinds):
        return None
    here = rows.select(casts)
    values = here[cursor].unique().to_list()
    at = pl.any_horizontal(pl.col(cursor).is_null() if each is None else pl.col(cursor) == each for each in values)
    before = stored.select(casts).filter(at).collect()
    return None if before.is_empty() else _Pair(before, here)
