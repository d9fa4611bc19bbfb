"""The loader of a dataset for workers: it is named by its reference, and opens the store by itself."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import polars as pl

from argosy.data.read import scan
from argosy.store import Store

ROWS = "argosy.data.loader:rows"
"""The reference of `rows`."""


def rows(home: str, blobs: str, dataset: str, number: int) -> pl.LazyFrame:
    """The rows of a version, of those of one key the one that became known last. Raises `UnknownError`."""
    store = _store(home, blobs)
    with store.read() as conn:
        return scan(conn, store, dataset, number, latest=True)


@cache
def _store(home: str, blobs: str) -> Store:
    return Store.open(home, blobs=Path(blobs), create=False)
