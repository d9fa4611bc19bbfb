"""Matrices: one tensor for several columns, in the order of the metadata or as its parameter says."""

from __future__ import annotations

from typing import Any

import pytest

from argosy.errors import InputError
from argosy.serving.door.tensor import Tensor
from argosy.serving.door.wide import spread
from argosy.serving.routing import Endpoint, Input

INPUTS = (
    Input("depot", "BYTES"),
    Input("km", "FP64"),
    Input("parcels", "INT64"),
    Input("cold", "BOOL"),
    Input("hour", "FP64", required=False),
)
ENDPOINT = Endpoint("late", "binary", ("depot",), INPUTS)
DEPOT = Tensor("depot", [2], "BYTES", ["n", "s"])


def matrix(data: list[Any], shape: list[int], columns: Any = None, name: str = "x") -> Tensor:
    return Tensor(name, shape, "FP32", data, None if columns is None else {"columns": columns})


def columns(*tensors: Tensor) -> dict[str, list[Any]]:
    return {each.name: each.data for each in spread(ENDPOINT, tensors)}


def test_a_matrix_stands_for_the_required_numbers_that_nothing_else_names() -> None:
    given = matrix([1.5, 2.0, 1.0, None, 3.0, 0.0], [2, 3])
    assert columns(DEPOT, given) == {
        "depot": ["n", "s"], "km": [1.5, None], "parcels": [2, 3], "cold": [True, False],
    }  # fmt: skip
    parcels = Tensor("parcels", [2], "INT64", [7, 8])
    assert columns(DEPOT, parcels, matrix([[1.5, 1.0], [2.5, 0.0]], [2, 2]))["km"] == [1.5, 2.5]


def test_a_matrix_may_name_its_columns() -> None:
    given = matrix([4.0, 1.5, 5.0, 2.5], [2, 2], ["hour", "km"])
    assert columns(given) == {"hour": [4.0, 5.0], "km": [1.5, 2.5]}


def test_floats_that_equal_no_integer_are_left_for_the_check_to_refuse() -> None:
    [only] = spread(ENDPOINT, [matrix([1.5, 2.0], [2, 1], ["parcels"])])
    assert only.data == [1.5, 2.0] and only.datatype == "FP32"


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (matrix([1.0, 2.0], [1, 2]), "has 2 columns, which are not one for each of: km, parcels, cold"),
        (matrix([1.0, 2.0], [1, 2], ["km"]), "not one for each of: km"),
        (matrix([1.0, 2.0], [1, 2], "km"), "not one for each of: 'km'"),
        (matrix([1.0, 2.0], [1, 3]), "holds 2 values where its shape says 1 x 3"),
        (matrix([[1.0, 2.0], 3.0], [1, 3]), "holds 2 values where"),
    ],
)
def test_a_matrix_that_does_not_fit_is_named(given: Tensor, says: str) -> None:
    with pytest.raises(InputError, match=says):
        spread(ENDPOINT, [given])


def test_columns_are_left_as_they_are() -> None:
    tensors = [DEPOT, Tensor("km", [2, 1], "FP64", [1.0, 2.0]), Tensor("km", [2, 2], "FP64", [])]
    assert spread(ENDPOINT, tensors) is tensors
