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


def test_wide_rows_come_fewer_at_a_time() -> None:
    assert (size(1), size(20), size(80), size(4_000), size(10**9)) == (500_000, 500_000, 500_000, 10_000, 1)
