from __future__ import annotations

import polars as pl
import pytest

from argosy.features.entity import numbered


@pytest.mark.parametrize("distinct", [3, 90_000])
def test_equal_keys_and_only_they_have_equal_numbers(distinct: int) -> None:
    rows = pl.int_range(150_000, eager=True)
    frame = pl.DataFrame({"code": (rows * 7919 % distinct).cast(pl.String), "e0": rows % 2})
    codes, table = numbered(frame, ["e0", "code"])
    back = table.sort("code")[codes]
    assert back["e0"].equals(frame["e0"]) and back["e1"].equals(frame["code"])
    assert table.height == frame.n_unique() and table["code"].n_unique() == table.height


def test_a_null_in_a_key_is_no_entity() -> None:
    frame = pl.DataFrame({"a": ["x", None, "x", "y"], "b": [1, 1, 1, None]})
    codes, table = numbered(frame, ["a", "b"])
    assert codes.to_list() == [0, None, 0, None] and table.rows() == [(0, "x", 1)]


def test_no_rows_have_no_entities() -> None:
    codes, table = numbered(pl.DataFrame(schema={"a": pl.String}), ["a"])
    assert (len(codes), table.height) == (0, 0)
