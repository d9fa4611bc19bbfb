"""A chunk that a worker answers, in whatever process or on whatever machine it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

import msgspec
import polars as pl

from argosy.controller.scoring import views
from argosy.controller.scoring.chunk import Chunk, Origin, Terms, answered
from argosy.controller.scoring.shelf import Shelf
from argosy.engine.contract import Engine, Task
from argosy.errors import ArgosyError
from argosy.serving.bulk.scorer import BulkScorer
from argosy.serving.cache import ModelCache, blob_loader
from argosy.serving.routing import Endpoint
from argosy.store import Store

MODELS = 1 << 30
"""Bytes of models that are held at a time."""
PRELOAD = ("lightgbm", "argosy.controller.scoring.portion")
"""What workers import once."""
_RETRIES = 1


class Portion(msgspec.Struct, frozen=True):
    """One chunk of a job, and all that it takes to answer it: `rows` are those of its whole source."""

    home: str
    blobs: Path
    job: str
    endpoint: Endpoint
    terms: Terms
    now: datetime
    origin: Origin
    rows: pl.LazyFrame
    chunk: Chunk


def spread(engine: Engine, portions: Sequence[Portion], done: Callable[[int], None]) -> float:
    """Let workers answer the portions; `done` is told the rows of each. The CPU seconds that it took.

    Raises what the first of them raises, and ArgosyError for one that its worker did not outlive.
    """
    spent, rows = 0.0, {each.chunk.path.name: each.chunk.rows for each in portions}
    tasks = [Task(each.chunk.path.name, (each,)) for each in portions]
    for result in engine.map("argosy.controller.scoring.portion:score", tasks, retries=_RETRIES):
        spent += result.cpu_s
        if result.failure is not None:
            raise ArgosyError(
                f"{rows[result.key]:,} rows were not scored: {result.failure.kind}: {result.failure.message}",
                next="run it again; what was scored before is kept in a directory or for a dataset",
            )
        if result.value is not None:
            raise result.value
        done(rows[result.key])
    return spent


def score(portion: Portion) -> ArgosyError | None:
    """Answer a chunk and put it on its shelf; the error that it ends with, if any."""
    chunk, origin = portion.chunk, portion.origin
    try:
        rows = portion.rows.slice(chunk.first, chunk.rows).collect()
        if rows.height != chunk.rows:
            raise origin.changed()
        found = answered(_scorer(portion), portion.endpoint, portion.terms, chunk, rows, origin)
        Shelf(chunk.path.parent).put(chunk.path, found)
    except ArgosyError as error:
        return error
    except (pl.exceptions.PolarsError, OSError) as error:
        return origin.unreadable(error)
    return None


_held: tuple[str, BulkScorer] | None = None
"""The scorer of the job that this worker answers chunks of, with the models that it has loaded."""


def _scorer(portion: Portion) -> BulkScorer:
    global _held
    if _held is None or _held[0] != portion.job:
        store = Store.open(portion.home, blobs=portion.blobs, create=False)
        endpoint, cache = portion.endpoint, ModelCache(blob_loader(store.blobs), MODELS)
        bulk = BulkScorer(
            endpoint, cache, views.opened(store, endpoint), portion.now, canaries=portion.terms.canaries, threads=1
        )  # fmt: skip
        _held = portion.job, bulk
    return _held[1]
