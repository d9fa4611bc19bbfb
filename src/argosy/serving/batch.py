"""Rows to answer, and what they got: plain data between the doors, which read and write, and the score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from argosy.errors import InputError
from argosy.serving.explanation import Explanation
from argosy.serving.limits import MAX_ID
from argosy.serving.routing import Endpoint, VersionRef

Columns = dict[str, list[Any]]


class Batch(msgspec.Struct):
    """Checked rows of one endpoint as columns of Python values; `at` is the decision time the request states.

    `version` is the only one that may answer, where the request names it; `caller` is who asks. `explain` asks for
    contributions as well.
    `lacking` are the rows that have no value of a column which others have; `flags` say of each row how it did not fit.
    `names` are those of the rows, where they have others than by their own key and that of the request.
    Raises InputError for an `id` of more than `MAX_ID` characters.
    """

    endpoint: Endpoint
    columns: Columns
    count: int
    id: str | None = None
    at: datetime | list[datetime] | None = None
    version: VersionRef | None = None
    caller: str = ""
    explain: bool = False
    lacking: Mapping[str, Sequence[int]] = {}
    flags: list[str] | None = None
    names: list[str] | None = None

    def __post_init__(self) -> None:
        if self.id is not None and len(self.id) > MAX_ID:
            raise InputError(f"the request's id has {len(self.id):,} characters", next=f"give at most {MAX_ID}")


class Answer(msgspec.Struct):
    """What each row got, in the order of the rows.

    `margins` are how far the bounds of its interval are from its prediction, in a fleet that has intervals; None for a
    row whose version has none. `quantiles` are columns by name, in a fleet that has some.
    """

    id: str
    predictions: list[float]
    versions: list[str]
    routes: list[str]
    stale: list[bool] | None = None
    explanation: Explanation | None = None
    flags: list[str] | None = None
    margins: list[float | None] | None = None
    quantiles: Mapping[str, list[float | None]] | None = None
