"""The loader of a dataset for workers: it is named by its reference, and opens the store by itself."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from argosy.store import Store

if TYPE_CHECKING:
    import polars as pl

ROWS = "argosy.data.loader:rows"
"""The reference of `rows`."""


def rows(home: str, blobs: str, dataset: str, number: int) -> pl.LazyFrame:
    """The rows of a version, of those of one key the one that became known last. Raises `UnknownError`."""
    from argosy.data.read import scan  # Polars, which whoever only names this function does not need

    store = _store(home, blobs)
    with store.read() as conn:
        return scan(conn, store, dataset, number, latest=True)


@cache
def _store(home: str, blobs: str) -> Store:
    return Store.open(home, blobs=Path(blobs), create=False)
