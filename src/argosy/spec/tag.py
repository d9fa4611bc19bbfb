"""Columns that a dataset tags as `pii` or `sensitive`: what comes of them is not recorded when it is served."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from argosy.spec.dataset import Dataset
from argosy.spec.expression import Expression


def tagged(datasets: Iterable[Dataset], expressions: Mapping[str, Expression]) -> frozenset[str]:
    """The tagged columns of datasets, and the request features that read one of them."""
    columns = frozenset(name for each in datasets for name in each.tags)
    return columns | {name for name, each in expressions.items() if not columns.isdisjoint(each.columns())}
