"""Which of the rows that arrived are there already, and which correct one that is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import polars as pl

from argosy.data import dtype, part
from argosy.data.part import Layout
from argosy.data.problem import WARN, Problem
from argosy.errors import InputError
from argosy.spec.quantity import plural
from argosy.store import Blobs, mask
from argosy.store.datasets import Part
from argosy.store.mask import Tags

ROW = "__row"
"""Column of a row's number among those of one ingest, for messages; it is never stored."""

_SHOWN = 5


class Sifted(msgspec.Struct, frozen=True):
    """`rows` are new; `corrected` of them have a key that was there with another known time.

    `unchanged` rows were there already; a problem tells of those of them that now read differently.
    """

    rows: pl.DataFrame
    corrected: int
    unchanged: int
    problems: tuple[Problem, ...] = ()


def single(
    rows: pl.DataFrame, layout: Layout, places: Sequence[tuple[int, str]], tags: Tags
) -> tuple[pl.DataFrame, int]:
    """The rows, each once, and how many were the same as another in every column.

    `places` gives the first row number of each source and its name. Raises `InputError` where two rows have the same
    key and known time but differ otherwise: which of them is true cannot be told. It shows no value that is tagged.
    """
    values = [name for name in rows.columns if name != ROW]
    identity = layout.identity(values)
    doubled = rows.select(pl.struct(identity).is_duplicated()).to_series() if identity else pl.Series([False])
    if not doubled.any():
        return rows, 0
    kept = rows.unique(values, keep="first", maintain_order=True)
    if layout.key:
        clashing = kept.filter(pl.struct(identity).is_duplicated()).sort(*identity, ROW, nulls_last=True)
        if not clashing.is_empty():
            raise _clash(clashing, identity, layout, places, tags)
    return kept, rows.height - kept.height


def sift(blobs: Blobs, parts: Sequence[Part], rows: pl.DataFrame, layout: Layout, types: dtype.Types) -> Sifted:
    """Take away what `parts` hold already. Only parts whose bounds meet those of `rows` are read, and only the columns
    that make two rows the same."""
    if rows.is_empty():
        return Sifted(rows, 0, 0)
    near = list(part.overlapping(parts, rows, layout))
    identity = layout.identity(list(types))
    keys = list(layout.key) or identity
    if not near:
        return Sifted(rows, _again(rows, layout, None), 0)
    stored = part.frame(blobs, near, types)
    there = stored.select(identity).join(rows.lazy().select(keys).unique(), on=keys, how="semi", nulls_equal=True)
    found = there.unique().collect()
    if found.is_empty():
        return Sifted(rows, _again(rows, layout, None), 0)
    fresh = rows.join(found, on=identity, how="anti", nulls_equal=True, maintain_order="left")
    unchanged = rows.height - fresh.height
    again = rows.join(found, on=identity, how="semi", nulls_equal=True).select(*types, ROW)
    problems = _edited(stored, again, layout) if unchanged else ()
    return Sifted(fresh, _again(fresh, layout, found), unchanged, problems)


def _again(rows: pl.DataFrame, layout: Layout, found: pl.DataFrame | None) -> int:
    """How many of the rows have a key that is in `found` or came before in `rows`."""
    if not layout.key:
        return 0
    if found is None:
        return rows.height - (rows[layout.key[0]].n_unique() if len(layout.key) == 1 else rows.n_unique(layout.key))
    keys = rows.select(layout.key).unique()
    return rows.height - keys.join(found, on=layout.key, how="anti", nulls_equal=True).height


def _edited(stored: pl.LazyFrame, again: pl.DataFrame, layout: Layout) -> tuple[Problem, ...]:
    """A warning for rows that came again, with the same key and known time, but other values."""
    if not layout.key:
        return ()
    identity = layout.identity(again.columns)
    values = [name for name in again.columns if name != ROW]
    before = stored.join(again.lazy().select(identity), on=identity, how="semi", nulls_equal=True).collect()
    same = again.join(before, on=values, how="semi", nulls_equal=True)
    count = again.height - same.height
    if not count:
        return ()
    shown = again.join(same, on=ROW, how="anti").select(identity).head(_SHOWN)
    message = (
        f"{plural(count, 'row')} came again with other values but the same key and {layout.knowing}, and what was "
        f"there stays; a correction needs a later {layout.knowing}"
    )
    return (Problem("edited", WARN, message, rows=count, examples=examples(shown)),)


def examples(rows: pl.DataFrame) -> tuple[dict[str, Any], ...]:
    """Rows as plain values, at most five."""
    plain = rows.head(_SHOWN).with_columns(pl.col(pl.Datetime).dt.strftime("%Y-%m-%dT%H:%M:%S%.fZ"))
    return tuple({name: _json(value) for name, value in row.items()} for row in plain.to_dicts())


def place(row: int, places: Sequence[tuple[int, str]]) -> str:
    """The source and the row in it that a row number stands for."""
    start, name = next((start, name) for start, name in reversed(places) if start <= row)
    return f"{name}, row {row - start + 1}"


def _clash(
    rows: pl.DataFrame, identity: Sequence[str], layout: Layout, places: Sequence[tuple[int, str]], tags: Tags
) -> InputError:
    first, second = rows.row(0, named=True), rows.row(1, named=True)
    key = ", ".join(f"{name}={mask.value(first[name], tags.get(name))!s}" for name in identity)
    where = " and ".join(place(row[ROW], places) for row in (first, second))
    others = [name for name in rows.columns if name not in (*identity, ROW) and first[name] != second[name]]
    count = rows.select(identity).unique().height
    return InputError(
        f"the key {key} occurs twice with other values of {', '.join(map(repr, others[:3]))} ({where}; {count} such)",
        next=f"remove one of the two, or give the correction a later {layout.knowing}",
    )


def _json(value: Any) -> Any:
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)
