"""Tensors as bytes: what is packed is unpacked, in every type, and whatever else comes is named."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from argosy.errors import InputError
from argosy.serving.door.raw import packed, unpacked

NUMBERS = {
    "INT8": "<i1", "INT16": "<i2", "INT32": "<i4", "INT64": "<i8", "UINT8": "<u1", "UINT16": "<u2", "UINT32": "<u4",
    "UINT64": "<u8", "FP16": "<f2", "FP32": "<f4", "FP64": "<f8",
}  # fmt: skip


@given(st.lists(st.text()))
def test_texts_come_back(texts: list[str]) -> None:
    assert unpacked("x", "BYTES", packed("BYTES", texts)) == texts


@given(st.lists(st.floats(allow_infinity=False)))
def test_numbers_come_back_and_what_is_none_is_missing(values: list[float]) -> None:
    wanted = [None if math.isnan(value) else value for value in values]
    assert unpacked("x", "FP64", packed("FP64", values)) == wanted


@pytest.mark.parametrize(("datatype", "dtype"), NUMBERS.items())
def test_every_type_of_number_is_read_little_endian(datatype: str, dtype: str) -> None:
    low, high = (-2.5, 3.5) if "f" in dtype else (np.iinfo(dtype).min, np.iinfo(dtype).max)
    assert unpacked("x", datatype, np.array([low, 0, high], dtype).tobytes()) == [low, 0, high]


def test_half_of_a_float_is_read_without_a_type_of_numpy() -> None:
    assert unpacked("x", "BF16", b"\x80\x3f\x20\xc0\xc0\x7f") == [1.0, -2.5, None]


@given(st.lists(st.booleans()))
def test_booleans_are_bytes(values: list[bool]) -> None:
    assert unpacked("x", "BOOL", packed("BOOL", values)) == values


@given(st.sampled_from([*NUMBERS, "BOOL", "BF16", "BYTES", "JSON", ""]), st.binary())
def test_any_bytes_are_read_or_refused(datatype: str, data: bytes) -> None:
    try:
        unpacked("x", datatype, data)
    except InputError as error:
        assert "'x'" in str(error)


@pytest.mark.parametrize(
    ("datatype", "data", "says"),
    [
        ("FP32", b"\0\0\0", "holds 3 bytes, no multiple of the 4 of a FP32"),
        ("FP32", b"\0\0\x80\x7f", "holds inf in row 0"),
        ("BYTES", b"\x05\0\0\0abc", "ends within its text 0"),
        ("BYTES", b"\x01\0\0\0a\x01\0", "ends within its text 1"),
        ("BYTES", b"\x01\0\0\0\xff", "no UTF-8"),
        ("FP8", b"", "which has no bytes"),
    ],
)
def test_what_does_not_fit_is_named(datatype: str, data: bytes, says: str) -> None:
    with pytest.raises(InputError, match=says):
        unpacked("x", datatype, data)


def test_a_missing_text_is_empty() -> None:
    missing: list[Any] = [None, "a"]
    assert unpacked("x", "BYTES", packed("BYTES", missing)) == ["", "a"]
