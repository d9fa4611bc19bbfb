"""A batch that was answered: what is scored or explained once more, off the path of its answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from argosy.serving.batch import Columns
from argosy.serving.derive import Lost
from argosy.serving.explanation import Explanation
from argosy.serving.routing import Endpoint, VersionRef

_EPOCH, _MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)


class Answered(msgspec.Struct, frozen=True):
    """Rows with all their features, whose they are, how they are named, and what they got from whom.

    `drawn` are those that are to be explained; `why` says so of all, where that was asked for. `shadowed`: shadows
    score them.
    """

    endpoint: Endpoint
    id: str
    keys: Sequence[str]
    rows: Sequence[str]
    at: datetime | Sequence[datetime]
    columns: Columns
    lost: Mapping[str, Lost]
    stale: Sequence[bool] | None
    routes: Sequence[str]
    versions: Sequence[VersionRef]
    predictions: Sequence[float]
    drawn: tuple[int, ...] = ()
    why: Explanation | None = None
    shadowed: bool = True

    def named(self, row: int, ref: VersionRef, route: str) -> tuple[Any, ...]:
        """The first columns of what is recorded of a row."""
        at = self.at if isinstance(self.at, datetime) else self.at[row]
        return self.rows[row], self.keys[row], (at - _EPOCH) // _MICROSECOND, self.id, ref.address, route
