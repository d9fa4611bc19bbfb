"""`argosy.runs`: tracked runs as a frame, for a program or a notebook."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl

from argosy.cli import home as homes
from argosy.controller import tracked
from argosy.store.tracking.view import METRIC, PARAMETER, TAG, Field, Seen

_PAGE = 1000
_TIME = pl.Datetime("us", "UTC")
_OWN: dict[str, Any] = {
    "run": pl.String, "experiment": pl.String, "name": pl.String, "status": pl.String, "started_at": _TIME,
    "ended_at": _TIME,
}  # fmt: skip


def runs(
    where: str = "", sort: str | Sequence[str] = (), experiment: str | None = None,
    columns: str | Sequence[str] | None = None, home: str | Path | None = None, limit: int = 1000,
) -> pl.DataFrame:  # fmt: skip
    """Tracked runs, a row each: `ag.runs("metrics.auc > 0.7 and params.depth = 6", sort="-metrics.auc")`.

    The columns are run, experiment, name, status, started_at, ended_at, and then `metrics.*` (the last values),
    `params.*` and `tags.*`: those that `columns` names, else all that any of the runs has; what a run lacks is null.
    The newest come first, unless `sort` names keys, with a - in front for the largest first. There are at most `limit`,
    of one `experiment` or of all. `home` is found as by the command line. Raises `UsageError` for a filter, key or
    column that the search language of runs does not have, `UnknownError` for an experiment that is not there.
    """
    named = [columns] if isinstance(columns, str) else list(columns or ())
    asked = tracked.question(where, [sort] if isinstance(sort, str) else sort, named)
    whole = columns is None
    with homes.look(None if home is None else str(home), tracked=True) as (_, conn):
        size = min(limit, _PAGE)
        found: list[Seen] = []
        for page in tracked.pages(conn, asked, experiment, whole=whole, limit=size):
            found += page.items
            if len(found) >= limit:
                break
    return _frame(found[:limit], _all(found) if whole else asked.fields)


def _all(found: Sequence[Seen]) -> list[Field]:
    """All that any of some runs has, by kind and key."""
    return [
        Field(entity, key)
        for entity, name in ((METRIC, "metrics"), (PARAMETER, "parameters"), (TAG, "tags"))
        for key in sorted({key for each in found for key in getattr(each, name)})
    ]


def _frame(found: Sequence[Seen], fields: Sequence[Field]) -> pl.DataFrame:
    types = {field.title: pl.Float64 if field.entity == METRIC else pl.String for field in fields}
    made = {title: [each.value(field) for each in found] for title, field in zip(types, fields, strict=True)}
    return pl.DataFrame({**_given(found), **made}, schema={**_OWN, **types})


def _given(found: Sequence[Seen]) -> dict[str, list[Any]]:
    rows = [
        (each.run.run, each.experiment.name, each.run.name, each.run.status, each.run.started_at, each.run.ended_at)
        for each in found
    ]
    return {name: [row[place] for row in rows] for place, name in enumerate(_OWN)}
