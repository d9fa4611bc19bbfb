"""Rows of many messages as one batch, and its answer as one for each of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import chain

from argosy.serving.batch import Answer, Batch
from argosy.serving.explanation import Explanation

Shape = tuple[frozenset[str], bool]


def shape(batch: Batch) -> Shape:
    """Batches of one endpoint and the same shape can be one."""
    return frozenset(batch.columns), batch.explain


def merged(batches: Sequence[Batch]) -> Batch:
    """Some batches of one shape as one; each has its decision times and the names of its rows."""
    first = batches[0]
    if len(batches) == 1:
        return first
    columns = {name: list(chain.from_iterable(each.columns[name] for each in batches)) for name in first.columns}
    lacking: dict[str, list[int]] = {}
    start = 0
    for each in batches:
        for name, rows in each.lacking.items():
            lacking.setdefault(name, []).extend(start + row for row in rows)
        start += each.count
    at = list(chain.from_iterable(_moments(each) for each in batches))
    names = list(chain.from_iterable(each.names or () for each in batches))
    return Batch(first.endpoint, columns, start, first.id, at, explain=first.explain, lacking=lacking, names=names)


def split(answer: Answer, batches: Sequence[Batch]) -> Iterator[Answer]:
    """The answer to each of the batches that were merged."""
    start = 0
    for each in batches:
        rows = slice(start, start + each.count)
        yield Answer(
            each.id or answer.id,
            answer.predictions[rows],
            answer.versions[rows],
            answer.routes[rows],
            answer.stale[rows] if answer.stale is not None else None,
            _part(answer.explanation, rows) if answer.explanation is not None else None,
            _flags(answer.flags[rows]) if answer.flags is not None else None,
            answer.margins[rows] if answer.margins is not None else None,
            {name: each[rows] for name, each in answer.quantiles.items()} if answer.quantiles is not None else None,
        )
        start += each.count


def _flags(flags: list[str]) -> list[str] | None:
    """Those of one batch, as if it had been answered alone."""
    return flags if any(flags) else None


def _part(why: Explanation, rows: slice) -> Explanation:
    values = {name: each[rows] for name, each in why.values.items()}
    return Explanation(values, why.contributions[rows], why.base[rows], why.space[rows])


def _moments(batch: Batch) -> Sequence[datetime]:
    if isinstance(batch.at, list):
        return batch.at
    assert batch.at is not None
    return [batch.at] * batch.count
