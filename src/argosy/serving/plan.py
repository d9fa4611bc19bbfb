"""A batch on its way to its answers."""

from __future__ import annotations

from datetime import datetime

import msgspec

from argosy.serving.batch import Batch
from argosy.serving.cache import Loaded
from argosy.serving.routing import Assignment, VersionRef


class Plan(msgspec.Struct):
    """A batch with its versions chosen and its decision time known; `began` is of a clock of durations.

    `models` are those of the assignment once all are found; `failed` fills with the versions that failed on
    rows of it: those rows of theirs are assigned anew. `apart` says that one of them answers from another process.
    """

    batch: Batch
    id: str
    keys: list[str]
    rows: list[str]
    assignment: Assignment
    at: datetime | list[datetime]
    began: float
    models: dict[VersionRef, Loaded] = {}
    failed: set[VersionRef] = set()
    apart: bool = False
