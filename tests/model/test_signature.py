"""Signatures: identity, inference, and one encoding by two ways."""

from __future__ import annotations

import math
from datetime import date

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from argosy.errors import CorruptError, DeclarationError, InputError
from argosy.model.signature import (
    Feature,
    Signature,
    encode,
    encode_columns,
    encode_one,
    encode_rows,
    infer_signature,
    lineage,
)

SIGNATURE = Signature(
    (
        Feature("distance", "number"),
        Feature("carrier", "category", ("AA", "B6", "UA")),
        Feature("holiday", "boolean"),
        Feature("hour", "category", ("7", "8"), origin="request"),
    ),
    "binary",
    "late",
)

ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "distance": st.none() | st.floats() | st.integers(-(2**53), 2**53).map(float),
            "carrier": st.none() | st.sampled_from(["AA", "B6", "UA", "ZZ", ""]),
            "holiday": st.none() | st.booleans(),
            "hour": st.none() | st.integers(-3, 12),
        }
    ),
    max_size=20,
)
SCHEMA = {"distance": pl.Float64, "carrier": pl.String, "holiday": pl.Boolean, "hour": pl.Int64}


@given(ROWS)
def test_rows_and_frame_encode_alike(rows: list[dict[str, object]]) -> None:
    by_frame = encode(pl.DataFrame(rows, schema=SCHEMA), SIGNATURE)
    by_rows = encode_rows(rows, SIGNATURE)
    assert by_frame.shape == by_rows.shape == (len(rows), 4)
    assert by_frame.flags.c_contiguous and by_frame.dtype == np.float64
    np.testing.assert_array_equal(by_frame, by_rows)
    columns = {name: [row[name] for row in rows] for name in SCHEMA}
    np.testing.assert_array_equal(by_frame, encode_columns(columns, len(rows), SIGNATURE))
    for place, row in enumerate(rows):
        one = encode_one({name: [value] for name, value in row.items()}, SIGNATURE)
        np.testing.assert_array_equal(by_frame[place : place + 1], one)


@given(st.lists(st.none() | st.floats() | st.integers(-(2**53), 2**53) | st.booleans(), min_size=2, max_size=2))
def test_a_row_of_numbers_encodes_as_its_columns_do(row: list[object]) -> None:
    numbers = Signature((Feature("a", "number"), Feature("b", "number")), "regression", "y")
    columns = {"a": row[:1], "b": row[1:]}
    by_columns = encode_columns(columns, 1, numbers)
    np.testing.assert_array_equal(by_columns, encode_one(columns, numbers))
    np.testing.assert_array_equal(by_columns, encode_rows([{"a": row[0], "b": row[1]}], numbers))


def test_encoding_means_what_it_says() -> None:
    frame = pl.DataFrame({"hour": [8, 9], "distance": [1, None], "carrier": ["UA", "ZZ"], "holiday": [True, None]})
    np.testing.assert_array_equal(encode(frame, SIGNATURE), [[1.0, 2.0, 1.0, 1.0], [math.nan] * 4])


def test_digest_follows_the_content() -> None:
    assert Signature.from_json(SIGNATURE.to_json()) == SIGNATURE
    assert Signature.from_json(SIGNATURE.to_json()).digest == SIGNATURE.digest
    assert Signature(SIGNATURE.features[::-1], "binary", "late").digest != SIGNATURE.digest


def test_infer_keeps_order_kinds_and_the_most_frequent_categories() -> None:
    frame = pl.DataFrame({"a": ["x", "x", "y", "w", None], "b": [1, 2, 3, 4, 5], "c": [True] * 5})
    signature = infer_signature(frame, ["c", "a", "b"], task="regression", label="z", origins={"a": "view"}, limit=2)
    assert signature.features == (
        Feature("c", "boolean"),
        Feature("a", "category", ("w", "x"), "view"),
        Feature("b", "number"),
    )


def test_what_columns_are_made_of_travels_where_it_is_known() -> None:
    frame = pl.DataFrame({"a": [1], "b": [2]})
    reads = {"a": ("x", "y")}
    signature = infer_signature(frame, ["a", "b"], task="binary", label="z", origins={"a": "view:v"}, reads=reads)
    again = Signature.from_json(signature.to_json())
    assert again == signature and b'"reads":["x","y"]' in signature.to_json()
    assert b"reads" not in SIGNATURE.to_json()
    other = Signature((Feature("a", "number", origin="view:v", reads=("z",)),), "binary", "z")
    assert lineage([again, other, SIGNATURE]) == {"a": {"x", "y", "z"}}


@pytest.mark.parametrize("change", [{"carrier": 1.5}, {"distance": "far"}, {"holiday": 1}])
def test_a_mistyped_value_is_refused_by_both_ways(change: dict[str, object]) -> None:
    row = {"distance": 1.0, "carrier": "AA", "holiday": True, "hour": 7} | change
    name = next(iter(change))
    with pytest.raises(InputError, match=name):
        encode_rows([row], SIGNATURE)
    with pytest.raises(InputError, match=name):
        encode_columns({key: [value] for key, value in row.items()}, 1, SIGNATURE)
    with pytest.raises(InputError, match=name):
        encode(pl.DataFrame([row]), SIGNATURE)


def test_a_missing_column_is_named() -> None:
    with pytest.raises(InputError, match="'carrier' is missing"):
        encode_rows([{"distance": 1.0}], SIGNATURE)
    with pytest.raises(InputError, match="'carrier' is missing"):
        encode(pl.DataFrame({"distance": [1.0]}), SIGNATURE)


def test_a_number_beyond_float64_is_refused() -> None:
    with pytest.raises(InputError, match="beyond float64"):
        encode_rows([{"distance": 10**400, "carrier": None, "holiday": None, "hour": None}], SIGNATURE)


def test_wrong_declarations_are_refused() -> None:
    with pytest.raises(DeclarationError, match="has categories"):
        Feature("a", "number", ("x",))
    with pytest.raises(DeclarationError, match="twice"):
        Signature((Feature("a", "number"), Feature("a", "boolean")), "binary", "y")
    with pytest.raises(DeclarationError, match="no feature"):
        Signature((), "binary", "y")
    with pytest.raises(InputError, match="no model takes"):
        infer_signature(pl.DataFrame({"d": [date(2013, 1, 1)]}), ["d"], task="binary", label="y")
    with pytest.raises(CorruptError):
        Signature.from_json(b"{}")
