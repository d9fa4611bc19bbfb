"""Contributions that are recorded: those of rows that were asked for, and of a share of all others, drawn by lot."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl

from argosy.model.matrix import Matrix
from argosy.serving.answered import Answered
from argosy.serving.cache import ModelCache
from argosy.serving.prediction import Given
from argosy.serving.recorder import Recorder
from argosy.serving.routing import Endpoint, VersionRef
from argosy.serving.segment import META, Line, Stream

FOLDER = "explanations"
"""Below a fleet's own folder of segments."""
MOST = 100
"""Rows that one process draws and explains in a second, at most: kernel SHAP takes ten milliseconds of each."""
_MOVED = pl.List(pl.Struct({"feature": pl.String(), "contribution": pl.Float64()}))


class Contributions(Stream, frozen=True, eq=False, dict=True):
    """Explained rows of one fleet, named as where they were answered.

    `share` is that of the rows that they were drawn from, null where they were asked for. The `contributions` and the
    sum of those of features that are not recorded, `hidden` (null where there are none), and `base` make the score.
    """

    @cached_property
    def schema(self) -> dict[str, pl.DataType]:
        """Columns of its rows."""
        of = {"share": pl.Float64(), "space": pl.String(), "base": pl.Float64(), "hidden": pl.Float64()}
        return META | of | {"contributions": _MOVED}


def drawn(endpoint: Endpoint, rows: int, draw: Callable[[], float] = random.random) -> tuple[int, ...]:
    """The rows of a batch that are to be explained though nobody asks, in the share that the fleet declares."""
    share = endpoint.explained
    return tuple(row for row in range(rows) if draw() < share) if share > 0.0 else ()


class Explainer:
    """Explains rows of answered batches that were drawn, and records these and what was asked for. For one thread."""

    def __init__(self, cache: ModelCache, recorder: Recorder, clock: Callable[[], float] = time.monotonic) -> None:
        self.recorded = self.dropped = self.failed = 0
        self._cache, self._recorder, self._clock = cache, recorder, clock
        self._streams: dict[str, Contributions] = {}
        self._second, self._left = 0, 0

    def take(self, taken: Iterable[Answered]) -> None:
        """Explain and record; raises what the recorder raises. Rows of a version that cannot explain are left out."""
        groups: dict[tuple[VersionRef, frozenset[str]], list[tuple[Answered, int]]] = {}
        for batch in taken:
            if batch.why is not None:
                self._asked(batch)
                continue
            for row in self._allowed(batch.drawn):
                groups.setdefault((batch.versions[row], batch.endpoint.redacted), []).append((batch, row))
        for (ref, _), rows in groups.items():
            try:
                loaded = self._cache.get(ref)
                signature = loaded.signature
                matrix = np.concatenate(
                    [Given(b.columns, len(b.rows), b.lost).some([row], signature) for b, row in rows]
                )
                found = loaded.model.explain(matrix)
            except Exception:  # what a model cannot explain was answered all the same
                self.failed += len(rows)
                continue
            spaces = [loaded.model.space] * len(rows)
            self._record(rows, signature.names, found[:, :-1], found[:, -1].tolist(), spaces, batch_share=True)

    def _asked(self, batch: Answered) -> None:
        why = batch.why
        assert why is not None
        rows = [(batch, row) for row in range(len(batch.rows))]
        self._record(rows, why.names, why.contributions, why.base, why.space, batch_share=False)

    def _allowed(self, rows: Sequence[int]) -> Sequence[int]:
        """Those of some rows for which there is time in this second."""
        if int(self._clock()) != self._second:
            self._second, self._left = int(self._clock()), MOST
        allowed = rows[: self._left]
        self._left -= len(allowed)
        self.dropped += len(rows) - len(allowed)
        return allowed

    def _record(
        self, rows: Sequence[tuple[Answered, int]], names: Sequence[str], found: Matrix, base: Sequence[float],
        spaces: Sequence[str], *, batch_share: bool,
    ) -> None:  # fmt: skip
        endpoint = rows[0][0].endpoint
        shown = [place for place, name in enumerate(names) if name not in endpoint.redacted]
        secret = [place for place, name in enumerate(names) if name in endpoint.redacted]
        hidden = found[:, secret].sum(axis=1).tolist() if secret else [None] * len(rows)
        share = endpoint.explained if batch_share else None
        lines: list[Line] = [
            (*_named(batch, row), share, space, first, rest,
             [{"feature": names[place], "contribution": each[place]} for place in shown])
            for (batch, row), space, first, rest, each in zip(rows, spaces, base, hidden, found.tolist(), strict=True)
        ]  # fmt: skip
        self._recorder.add(self._stream(endpoint.fleet), lines)
        self.recorded += len(lines)

    def _stream(self, fleet: str) -> Contributions:
        return self._streams.setdefault(fleet, Contributions(f"{fleet}/{FOLDER}", None))


def _named(batch: Answered, row: int) -> tuple[Any, ...]:
    """The columns of `META` of a row."""
    stale = batch.stale[row] if batch.stale else False
    return *batch.named(row, batch.versions[row], batch.routes[row]), batch.predictions[row], stale, None, None
