"""From rows to answers, a chunk at a time, as the scorer of requests answers them."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from types import TracebackType
from typing import Self

import numpy as np
import polars as pl

from argosy.errors import InputError
from argosy.serving.bulk.ask import Given, ask
from argosy.serving.bulk.choice import ROUTES, chosen
from argosy.serving.bulk.given import given, moments
from argosy.serving.bulk.reason import Reasons, mask
from argosy.serving.bulk.view import Views, viewed
from argosy.serving.cache import ModelCache
from argosy.serving.derive import Derivation
from argosy.serving.routing import Endpoint
from argosy.serving.spread import Spread


class BulkScorer:
    """Answers chunks of rows of one endpoint. As a context, from one thread; it asks the models from `threads`.

    `views` read those of the endpoint, if it has any; `now` is the time beyond whose history they forget.
    With `canaries`, they answer the share of the rows that they would have of requests; else champions alone do.
    """

    def __init__(
        self, endpoint: Endpoint, cache: ModelCache, views: Views | None, now: datetime, *,
        canaries: bool = False, threads: int | None = None,
    ) -> None:  # fmt: skip
        if endpoint.views and views is None:
            raise InputError(
                f"fleet {endpoint.fleet!r} reads feature views and nothing reads them here",
                next="pass what reads them",
            )
        self._endpoint, self._cache, self._views, self._now = endpoint, cache, views, now
        self._canaries, self._derivation = canaries, Derivation(endpoint)
        self._pool = ThreadPoolExecutor(threads or os.cpu_count() or 1, thread_name_prefix="argosy-bulk")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(cancel_futures=True)

    def score(self, rows: pl.DataFrame, at: datetime | None, first: int = 0) -> pl.DataFrame:
        """For each row its decision time `at`, `prediction`, `version`, `route`, `reason`, and `stale` with views.

        Where the endpoint has intervals, their bounds are `lower` and `upper`, null for a version that has none.
        Quantiles have the names that `argosy.spec.quantile.column` gives them.

        `at` is the decision time of all rows (None: of each its event time less the fleet's lead), `first` the number
        of the first row. Where no prediction can be made it is null and `reason` says why; else `reason` is null.
        Raises InputError where a column is not there that every row needs.
        """
        endpoint, reasons = self._endpoint, Reasons(rows.height)
        found = given(endpoint, rows, reasons)
        moment = moments(endpoint, found, at, reasons)
        choice = chosen(endpoint, found, reasons, canaries=self._canaries, first=first)
        stale = None
        if endpoint.views and self._views is not None:
            found, stale = viewed(endpoint, self._views, found, moment, self._now, reasons)
        features, lost = self._derivation.beside(found) if rows.height else (found, {})
        made = Given(features, {name: mask(rows.height, list(each.why)) for name, each in lost.items()})
        out, before = np.full(rows.height, np.nan), reasons.open
        spread, again = Spread(endpoint.quantiles, rows.height), before
        while again.any():
            asked = np.where(again, choice.which, -1)
            unread = ask(self._cache, self._pool, choice.refs, asked, made, out, reasons, spread)
            again = choice.stand_in(endpoint, again & ~reasons.open, unread)
            reasons.drop(again)
        answers = pl.Series("prediction", np.where(reasons.open, out, np.nan)).fill_nan(None)
        which, routes = (pl.Series(each).set(pl.Series(each < 0), None) for each in (choice.which, choice.routes))
        return pl.DataFrame([
            moment,
            answers,
            pl.Series("version", [ref.address for ref in choice.refs], pl.String()).gather(which),
            pl.Series("route", ROUTES, pl.String()).gather(routes),
            *_bounds(endpoint, answers, pl.Series([ref.margin for ref in choice.refs], dtype=pl.Float64).gather(which)),
            *(pl.Series(name, each).fill_nan(None) for name, each in spread.columns().items()),
            *([] if stale is None else [pl.Series("stale", stale)]),
            reasons.column(),
        ])  # fmt: skip


def _bounds(endpoint: Endpoint, answers: pl.Series, margins: pl.Series) -> list[pl.Series]:
    return [(answers - margins).alias("lower"), (answers + margins).alias("upper")] if endpoint.bounded else []
