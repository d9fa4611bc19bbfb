"""Fields are counted before they are made, and what is no message is left to who reads it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from argosy.errors import InputError
from argosy.serving.door.weight import LIGHT
from argosy.serving.limits import MAX_COLUMNS
from argosy.serving.rpc.infer import InferRequest, decoded
from argosy.serving.rpc.outline import MAX_FIELDS, check


def request(columns: int, rows: int) -> bytes:
    found = InferRequest(model_name="late")
    for number in range(columns):
        found.inputs.add(name=f"x{number}", datatype="FP64", shape=[rows]).contents.fp64_contents.extend([0.5] * rows)
    return bytes(found.SerializeToString())


def test_as_many_columns_as_there_may_be_are_taken() -> None:
    check(request(MAX_COLUMNS, 1))
    check(request(2, 50_000))


@pytest.mark.parametrize("field", [b"\x2a\0", b"\x32\0", b"\x3a\0", b"\x22\0", b"\x2a\4\x22\0\x22\0", b"\x12\1a"])
def test_empty_fields_by_the_million_are_refused_before_they_are_made(field: bytes) -> None:
    body = field * ((32 << 20) // len(field))
    with pytest.raises(InputError, match="above 32,768 fields"):
        decoded(InferRequest, body)
    check(field * (MAX_FIELDS // 3))


def test_a_shape_has_two_numbers_and_no_million() -> None:
    found = InferRequest()
    found.inputs.add(shape=[1] * LIGHT)
    with pytest.raises(InputError, match="a shape of above 64 bytes"):
        decoded(InferRequest, found.SerializeToString())


@given(st.binary(max_size=200))
def test_any_bytes_are_looked_at(data: bytes) -> None:
    check(data)
    check(request(1, 2) + data)
