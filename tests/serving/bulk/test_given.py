"""Values come in the type of their input, or not at all."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import polars as pl
import pytest

from argosy.serving.bulk.given import fitted
from argosy.serving.derive import DTYPES
from argosy.serving.routing import Datatype

AT = datetime(2024, 7, 1, tzinfo=UTC)
CASES: list[tuple[Datatype, pl.Series, list[Any]]] = [
    ("INT64", pl.Series([1.0, 2.5, float("nan"), 1e300, None]), [1, None, None, None, None]),
    ("INT64", pl.Series(["12", "1.5", "x", None]), [12, None, None, None]),
    ("INT64", pl.Series([2**63, 3], dtype=pl.UInt64), [None, 3]),
    ("INT64", pl.Series([True, None]), [None, None]),
    ("INT64", pl.Series([AT]), [None]),
    ("FP64", pl.Series([1, None]), [1.0, None]),
    ("FP64", pl.Series(["1.5", "many"]), [1.5, None]),
    ("FP64", pl.Series(["1.5"], dtype=pl.Categorical), [1.5]),
    ("FP64", pl.Series(["1.5"]).cast(pl.Decimal(10, 2)), [1.5]),
    ("FP64", pl.Series([True]), [None]),
    ("BYTES", pl.Series([7, None]), ["7", None]),
    ("BYTES", pl.Series([True]), ["true"]),
    ("BYTES", pl.Series(["a"], dtype=pl.Enum(["a"])), ["a"]),
    ("BYTES", pl.Series([7.0]), [None]),
    ("BYTES", pl.Series([["a"]]), [None]),
    ("BOOL", pl.Series(["True", "false", "yes", None]), [True, False, None, None]),
    ("BOOL", pl.Series([0, 1, 2, None]), [False, True, None, None]),
    ("BOOL", pl.Series([0.0, 0.5]), [False, None]),
    ("TIME", pl.Series([AT], dtype=pl.Datetime("ms", "Europe/Berlin")), [AT]),
    ("TIME", pl.Series([date(2024, 7, 1)]), [None]),
    ("TIME", pl.Series([0]), [None]),
    ("TIME", pl.Series([None, None]), [None, None]),
]


@pytest.mark.parametrize(("datatype", "column", "expected"), CASES)
def test_a_value_is_never_taken_for_another(datatype: Datatype, column: pl.Series, expected: list[Any]) -> None:
    found = fitted(column, datatype)
    assert found.dtype == DTYPES[datatype] and found.to_list() == expected
