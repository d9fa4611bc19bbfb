"""A chunk of rows with their answers beside them."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import msgspec
import polars as pl

from argosy.controller.scoring.instant import instants
from argosy.errors import ConflictError, InputError
from argosy.serving.bulk.scorer import BulkScorer
from argosy.serving.routing import Endpoint

AT = "at"
"""The column of the decision time."""


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """How rows are to be scored. `at` is their decision time; None: of each its event time less the fleet's lead.

    `at` is `floating` where nobody stated it, and it is when the job began. `strict` refuses all rows where one has no
    prediction. `timed` keeps the decision time beside each row; `drop` are columns that are not kept.
    """

    at: datetime | None
    floating: bool = False
    canaries: bool = False
    strict: bool = False
    timed: bool = False
    drop: frozenset[str] = frozenset()


class Chunk(msgspec.Struct, frozen=True):
    """Rows of a source from `first` on. `path` is where their answers are, or will be."""

    source: int
    first: int
    rows: int
    address: str
    path: Path


class Origin(msgspec.Struct, frozen=True):
    """Where rows come from, for messages, and the zone of its times without an offset."""

    name: str
    zone: str | None

    def changed(self) -> ConflictError:
        """The error of rows that are others than they were."""
        return ConflictError(f"{self.name} changed while it was read, or is damaged", next="run it again")

    def unreadable(self, error: Exception) -> InputError:
        """The error of rows that cannot be read."""
        return InputError(
            f"{self.name} cannot be read: {str(error).splitlines()[0]:.300}", next="check what it holds"
        )  # fmt: skip


def answered(
    bulk: BulkScorer, endpoint: Endpoint, terms: Terms, chunk: Chunk, rows: pl.DataFrame, origin: Origin
) -> pl.DataFrame:
    """The rows of a chunk with their answers. Raises InputError where one has none and the terms are strict."""
    times = [each.name for each in endpoint.inputs if each.datatype == "TIME"]
    found = bulk.score(instants(rows, times, origin.zone, chunk.first), terms.at, chunk.first)
    if terms.strict and found["reason"].null_count() < found.height:
        first = int(found["reason"].is_not_null().arg_true()[0])
        raise InputError(
            f"row {chunk.first + first + 1:,} of {origin.name} has no prediction: {found['reason'][first]}",
            next="correct it, or leave --strict out: such rows are written with their reason then",
        )
    return rows.drop(terms.drop, strict=False).hstack(found if terms.timed else found.drop(AT))
