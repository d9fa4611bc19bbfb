"""Lineage of columns: which columns of its dataset each column of a view is made of."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

import polars as pl
from polars.io.plugins import register_io_source


def lineage(
    view: Callable[[pl.LazyFrame], pl.LazyFrame], columns: Iterable[str], types: Mapping[str, pl.DataType],
    keys: Collection[str],
) -> dict[str, tuple[str, ...]]:  # fmt: skip
    """By each of the view's `columns`, the columns that it is made of, sorted; `types` are those of the dataset.

    The view is asked for one column at a time of a dataset without rows, and what Polars then reads is what it is made
    of: columns by which rows are chosen, too. The `keys`, by which rows are told apart and put in order, count where
    nothing else is read. Where a view cannot be asked so, because it looks at its rows by itself or fails where there
    are none, a column is made of all.
    """
    every, taken = frozenset(types), set[str]()

    def rows(wanted: list[str] | None, *_: object) -> Iterator[pl.DataFrame]:
        taken.update(every if wanted is None else wanted)
        empty = pl.DataFrame(schema=types)
        yield empty if wanted is None else empty.select(wanted)

    def read(column: str) -> tuple[str, ...]:
        taken.clear()
        try:
            view(register_io_source(rows, schema=dict(types))).select(column).collect()
        except Exception:  # the code is the user's, and so is what it raises where there are no rows
            taken.update(every)
        return tuple(sorted(taken.difference(keys) or taken))

    return {column: read(column) for column in columns}
