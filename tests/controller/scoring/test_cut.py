"""Chunks are the rows in their order, and all but the last are full."""

from __future__ import annotations

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from argosy.controller.scoring.cut import cut, size


@given(rows=st.integers(0, 200), wanted=st.integers(1, 70), pieces=st.integers(1, 9))
def test_chunks_are_full_and_in_order(rows: int, wanted: int, pieces: int) -> None:
    whole = pl.DataFrame({"n": range(rows)}, schema={"n": pl.Int64})
    some = [whole.slice(at, pieces).lazy() for at in range(0, rows, pieces)] or [whole.lazy()]
    found = list(cut(pl.concat(some), wanted))
    assert [each.height for each in found[:-1]] == [wanted] * (len(found) - 1)
    assert pl.concat([whole.head(0), *found]).equals(whole) and all(each.height for each in found)


def test_large_rows_come_fewer_at_a_time() -> None:
    narrow = pl.LazyFrame({"n": range(5_000)})
    assert size(narrow) == size(narrow.head(0)) == size(pl.LazyFrame({"b": [True] * 5_000})) == 500_000
    assert size(narrow.with_columns((pl.col("n") / n).alias(f"x{n}") for n in range(1, 100))) == (64 << 20) // (2 * 800)
    assert size(narrow.with_columns(text=pl.lit("x" * 1_000))) == (64 << 20) // (1_000 + 3 * 8)
    assert size(pl.LazyFrame({"text": ["x" * (80 << 20)]})) == 1
