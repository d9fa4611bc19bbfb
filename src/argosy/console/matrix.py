"""What several runs have of parameters and of metrics, side by side: some keys at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec
from sqlalchemy import Connection

from argosy.store.tracking import keys, metrics, texts

SHOWN, _READ = 60, 240
"""Keys that are shown at once, and that are read to find so many in which runs differ."""
Value = float | str | None


class Row(msgspec.Struct, frozen=True):
    """What each run has of a key; `differs` says whether not all have the same."""

    name: str
    values: tuple[Value, ...]
    differs: bool


class Matrix(msgspec.Struct, frozen=True):
    """Rows in the order of their keys, and the key beyond which there are more (empty: these are all)."""

    rows: tuple[Row, ...] = ()
    next: str = ""


def row(name: str, values: Sequence[Value]) -> Row:
    """A row; NaN is like NaN."""
    alike = {None if value is None else str(value) for value in values}
    return Row(name, tuple(values), len(alike) > 1)


def parameters(conn: Connection, ids: Sequence[int], text: str = "", after: str = "", *, only: bool = False) -> Matrix:
    """Parameters whose keys hold a text and lie beyond `after`, `only` those in which the runs differ."""
    return _matrix(conn, texts.PARAMETER, ids, text, after, only)


def last(conn: Connection, ids: Sequence[int], text: str = "", after: str = "", *, only: bool = False) -> Matrix:
    """The same of the last values of metrics."""
    return _matrix(conn, "metric", ids, text, after, only)


def values(conn: Connection, table: str, ids: Sequence[int], names: Sequence[str]) -> Mapping[int, Mapping[str, Value]]:
    """What runs have of some keys of the table `metric`, `parameter` or `tag`; one query."""
    if table == "metric":
        found = metrics.last(conn, ids, names)
        return {id: {key: last.value for key, last in each.items()} for id, each in found.items()}
    return texts.of(conn, table, ids, names)


def _matrix(conn: Connection, table: str, ids: Sequence[int], text: str, after: str, only: bool) -> Matrix:
    most = _READ if only else SHOWN
    found = keys.of_runs(conn, table, ids, text, limit=most + 1, after=after)
    names, more = found[:most], found[most:]
    known = values(conn, table, ids, names)
    wanted: Callable[[Row], bool] = (lambda each: each.differs) if only else lambda each: True
    rows = [each for each in (row(name, [known.get(id, {}).get(name) for id in ids]) for name in names) if wanted(each)]
    shown = rows[:SHOWN]
    if len(rows) > SHOWN:
        return Matrix(tuple(shown), shown[-1].name)
    return Matrix(tuple(shown), names[-1] if more else "")
